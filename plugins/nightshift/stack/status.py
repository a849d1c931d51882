"""How the stack's processes stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightshift.stack.programs import Program


@dataclass(frozen=True)
class ProcessStatus:
    """A process of the stack.

    Attributes:
        name: The role, with a number where there are several.
        role: Whose it is, as docker/compose.yaml calls it.
        state: `running`, `starting`, `stopping`, `stopped`, `exited`, `backoff` or `fatal`, as supervisord says it.
        healthy: Whether it passes its health check; of a job: whether it went through.
        address: Where it listens, on loopback.
        seconds: How long it has been running.
        exit_code: Of the last end, if it is not running.
    """

    name: str
    role: str
    state: str
    healthy: bool
    address: str
    seconds: float
    exit_code: int | None


@dataclass(frozen=True)
class Page:
    """Something that people open in a browser.

    Attributes:
        name: What it is.
        url: Where.
        login: Who may come in, and where the password is.
    """

    name: str
    url: str
    login: str


def status_of(program: Program, info: Mapping[str, Any], *, passes: bool) -> ProcessStatus:
    """Return how a process stands.

    Args:
        program: Which one.
        info: What supervisord knows of it.
        passes: Whether its health check, if it has one, went through.
    """
    state = str(info["statename"]).lower()
    runs = state == "running"
    went_through = program.role.is_job and state == "exited" and info["exitstatus"] == 0
    return ProcessStatus(
        name=program.name,
        role=program.role.name,
        state=state,
        healthy=went_through or (runs and passes),
        address=program.address,
        seconds=float(max(0, info["now"] - info["start"])) if runs else 0.0,
        exit_code=None if runs else int(info["exitstatus"]),
    )
