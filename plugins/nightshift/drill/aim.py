"""Where in its work a process dies or stands still."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.engine.moments import Listener, Moment

POLL_SECONDS = 0.02
LONGEST_WAIT_SECONDS = 600.0
"""Nobody lets a process go whose drill was killed; it ends by itself then."""


@dataclass(frozen=True)
class Aim:
    """What happens when a process passes a moment.

    Attributes:
        moment: Which.
        action: `kill`: it kills itself with SIGKILL. `stop`: it stops itself with SIGSTOP, heartbeat and all, until
            somebody continues it. `wait`: its work waits, its heartbeat goes on, until somebody lets it go.
        passing: At the first passing of the moment, or at a later one.
        orphan: It lives on when its parent dies, as tasks do everywhere but in the embedded Airflow.
    """

    moment: Moment
    action: Literal["kill", "stop", "wait"]
    passing: int = 1
    orphan: bool = False


def listener(aims: Sequence[Aim], folder: Path) -> Listener:
    """Return what a process listens with; `folder` is where it leaves and finds signs.

    Where several processes share a folder, each aim hits the first that comes, and no other.
    """
    passed: dict[Moment, int] = {}

    def hear(moment: Moment) -> None:
        passed[moment] = passed.get(moment, 0) + 1
        for aim in aims:
            if aim.moment == moment and aim.passing == passed[moment] and _is_first(folder, aim):
                _act(aim, folder)

    return hear


def sign(folder: Path, aim: Aim) -> Path:
    """Return the file that appears when a process has come to the moment; it holds its process id."""
    return folder / f"reached {aim.moment} {aim.passing}"


def leave(folder: Path) -> Path:
    """Return the file whose appearance lets a waiting process go on."""
    return folder / "go on"


def _is_first(folder: Path, aim: Aim) -> bool:
    """Leave the sign, unless another process has left it."""
    draft = folder / f".{os.getpid()}"
    draft.write_text(str(os.getpid()))
    try:
        os.link(draft, sign(folder, aim))
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _act(aim: Aim, folder: Path) -> None:
    if aim.orphan:
        from nightshift.embedded.role import outlive_parent

        outlive_parent()
    if aim.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif aim.action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        _wait(folder)


def _wait(folder: Path) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not leave(folder).exists():
        if time.monotonic() > deadline:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(POLL_SECONDS)
