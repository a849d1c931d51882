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


@dataclass(frozen=True)
class Aim:
    """What happens when a process passes a moment.

    Attributes:
        moment: Which.
        action: `kill`: it kills itself with SIGKILL. `stop`: it stops itself with SIGSTOP, heartbeat and all, until
            somebody continues it. `wait`: its work waits, its heartbeat goes on, until somebody lets it go.
        passing: At the first passing of the moment, or at a later one.
    """

    moment: Moment
    action: Literal["kill", "stop", "wait"]
    passing: int = 1


def listener(aims: Sequence[Aim], folder: Path) -> Listener:
    """Return what a worker listens with; `folder` is where it leaves and finds signs."""
    passed: dict[Moment, int] = {}

    def hear(moment: Moment) -> None:
        passed[moment] = passed.get(moment, 0) + 1
        for aim in aims:
            if aim.moment == moment and aim.passing == passed[moment]:
                sign(folder, aim).touch()
                _act(aim, folder)

    return hear


def sign(folder: Path, aim: Aim) -> Path:
    """Return the file that appears when a process has come to the moment."""
    return folder / f"reached {aim.moment} {aim.passing}"


def leave(folder: Path) -> Path:
    """Return the file whose appearance lets a waiting process go on."""
    return folder / "go on"


def _act(aim: Aim, folder: Path) -> None:
    if aim.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif aim.action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        while not leave(folder).exists():
            time.sleep(POLL_SECONDS)
