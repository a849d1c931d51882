"""What a program reads on stdout where a command with `--json` ends with an error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """What went wrong.

    Attributes:
        kind: Name of the error's class, such as `UnknownNight`.
        message: The same sentences that are said on stderr.
        exit_code: 2: the command was not understood, or asks for what is not there; 1: the work failed.
    """

    kind: str
    message: str
    exit_code: int


@dataclass(frozen=True)
class Told:
    """An error as JSON: an object with the one field `error`, which no answer has."""

    error: Failure
