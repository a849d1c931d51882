"""What can go wrong while data is checked.

DataCheckError                  root: catch this one
├── UnknownSuite                no suite has that name
├── SuiteMistake                a suite file declares something that cannot be checked
├── PartitionMistake            a partition key is neither a night nor a window of nights
├── ProfileMistake              a training profile, or a column asked of it, does not fit
└── RowsDamaged                 a file of rows cannot be read

A failed expectation is no error: it is a result (`CheckResult.status == "failed"`).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class DataCheckError(Exception):
    """Something about the check itself, not about the rows, is wrong."""

    retryable: ClassVar[bool] = False


class UnknownSuite(DataCheckError):
    """No suite has the name that was asked for."""


class SuiteMistake(DataCheckError):
    """A suite file declares something that cannot be checked."""


class PartitionMistake(DataCheckError):
    """A partition key is neither a night nor a window of nights."""


class ProfileMistake(DataCheckError):
    """A training profile, or a column asked of it, does not fit."""


class RowsDamaged(DataCheckError):
    """A file of rows cannot be read.

    Attributes:
        path: The file, where it is known.
        reason: What the library that read it says.
    """

    def __init__(self, message: str, *, path: Path | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.reason = reason


def damaged(path: Path, reason: str) -> RowsDamaged:
    """Return the error for a file that a library could not read, and why it could not."""
    first = reason.splitlines()[0] if reason else "unreadable"
    return RowsDamaged(
        f"{path} is damaged inside: {first}\n"
        "Deliver the whole file again, and run it again (in Airflow: clear the task).",
        path=path,
        reason=reason,
    )


def did_you_mean(asked: str, known: Iterable[str]) -> str:
    """The nearest known name as a sentence with a leading space, or an empty string."""
    near = get_close_matches(asked, list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""
