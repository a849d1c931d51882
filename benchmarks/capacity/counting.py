"""Processor seconds and memory of a process with all its children, while it runs and when it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from benchmarks.measuring.tree import MEGABYTE


@dataclass(frozen=True)
class Used:
    """What a tree of processes has used.

    Attributes:
        cpu_s: User and system seconds, of children that have ended, too.
        memory_mb: Proportional memory (PSS) of those that live, in 10^6 bytes.
    """

    cpu_s: float
    memory_mb: float


def used_by(pid: int, *, memory: bool = True) -> Used:
    """Return what a process and its descendants have used so far.

    Children that have ended count from when their parent has waited for them.
    """
    cpu = held = 0.0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.Error, OSError):
                times = process.cpu_times()
                cpu += times.user + times.system + times.children_user + times.children_system
                held += process.memory_full_info().pss if memory else 0
    return Used(cpu, held / MEGABYTE)


def wait_until(happened: Callable[[], bool], seconds: float, every: float = 0.2) -> float:
    """Ask until something has happened; return the seconds that it took.

    Args:
        happened: Says whether it has.
        seconds: After which it is given up.
        every: Seconds between two questions.

    Raises:
        TimeoutError: It did not happen.
    """
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"waited {seconds:.0f} s")
        time.sleep(every)
    return time.monotonic() - began


@contextmanager
def timed() -> Iterator[list[float]]:
    """Give a list that has the seconds of the block in it afterwards: on the clock, and of this process's processor time."""
    found: list[float] = []
    wall, cpu = time.perf_counter(), time.process_time()
    yield found
    found += [time.perf_counter() - wall, time.process_time() - cpu]
