"""What a tree of processes holds now and has used so far.

Whoever samples must be the reaper of the tree (`adopting_orphans`): then a process that outlives its parent is ours, and is neither
forgotten nor left behind.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

import psutil

PR_SET_CHILD_SUBREAPER = 36
MEGABYTE = 1e6


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """Be the parent of every descendant whose own parent ends (Linux); afterwards that is somebody else again."""
    _be_reaper(True)
    try:
        yield
    finally:
        _be_reaper(False)


def _be_reaper(wanted: bool) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


class Tree:
    """All descendants of this process but those that were there before.

    Attributes:
        peak_mb: The most that all of them held at one moment, in 10^6 bytes: the sum of their proportional set sizes (PSS),
            in which a page that several share counts once. Resident set sizes where the system knows no PSS.
        cpu_by_process: CPU seconds of each process when it was seen last.
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self.cpu_by_process: dict[tuple[int, float], float] = {}
        self._others = {child.pid for child in psutil.Process().children(recursive=True)}

    def sample(self) -> None:
        """Look once."""
        held = 0
        for process in self.processes():
            with suppress(psutil.Error, OSError):
                held += _memory(process)
                times = process.cpu_times()
                self.cpu_by_process[process.pid, process.create_time()] = times.user + times.system
        self.peak_mb = max(self.peak_mb, held / MEGABYTE)

    @property
    def cpu_seconds(self) -> float:
        """Sum of what each process had used when it was seen last."""
        return sum(self.cpu_by_process.values())

    def processes(self) -> list[psutil.Process]:
        """Return those that live."""
        return _living(self._others)

    def reap(self) -> None:
        """Wait for orphans that have ended, so that their times are counted and nothing of them stays."""
        for child in psutil.Process().children():
            with suppress(psutil.Error, ChildProcessError):
                if child.pid not in self._others and child.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(child.pid, os.WNOHANG)

    def kill(self) -> None:
        """End all of them."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()


def _living(others: Collection[int]) -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.pid not in others and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (AttributeError, psutil.AccessDenied):
        return int(process.memory_info().rss)
