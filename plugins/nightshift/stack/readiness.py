"""Is a process ready for those that wait for it? A pure rule on what supervisord knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from nightshift.stack.definition import Role

JOB_SECONDS = 300.0
STARTED_SECONDS = 60.0
"""How long a job may take, and a process until it lives."""

Readiness = Literal["ready", "ask", "wait"]


class Hopeless(Exception):
    """Waiting is of no use; the text ends a sentence that begins with the process's name."""


def readiness(role: Role, info: Mapping[str, Any], waited: float) -> Readiness:
    """Say how a process stands.

    Args:
        role: Whose it is.
        info: What supervisord says: `statename`, `exitstatus`.
        waited: Seconds since it was started.

    Returns:
        `ready`; `ask` if its health check decides; `wait` if it is too early.

    Raises:
        Hopeless: It failed, or took longer than anybody waits.
    """
    state = info["statename"]
    if role.is_job:
        return _of_job(state, info["exitstatus"], waited)
    if state == "FATAL" or (state == "BACKOFF" and waited > STARTED_SECONDS):
        raise Hopeless("does not stay alive")
    if waited > (role.health.patience if role.health else 2 * STARTED_SECONDS):
        raise Hopeless(f"was not healthy after {waited:.0f} s")
    if state != "RUNNING":
        return "wait"
    return "ask" if role.health else "ready"


def _of_job(state: str, exit_code: int, waited: float) -> Readiness:
    if state == "EXITED" and exit_code == 0:
        return "ready"
    if state in ("EXITED", "FATAL"):
        raise Hopeless(f"failed with exit code {exit_code}")
    if waited > JOB_SECONDS:
        raise Hopeless(f"was not done after {waited:.0f} s")
    return "wait"
