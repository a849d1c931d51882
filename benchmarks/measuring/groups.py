"""Control groups of Linux (version 1 or 2): exact CPU time of a tree of processes, and a memory limit for it.

A group is made below the one that we are in, so every limit that holds for us holds for the subject as well. Where none may be
made, which is usual without root, the callers measure and limit in another way, and say so.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NANOSECONDS = 1e9
MICROSECONDS = 1e6


@dataclass(frozen=True)
class Group:
    """One control group.

    Attributes:
        folder: Its folder.
        version: 1 or 2.
    """

    folder: Path
    version: int

    def cpu_seconds(self) -> float:
        """Return what all processes that ever were in the group have used."""
        if self.version == 1:
            return int((self.folder / "cpuacct.usage").read_text()) / NANOSECONDS
        return _field((self.folder / "cpu.stat").read_text(), "usage_usec") / MICROSECONDS

    def limit_memory(self, limit: int) -> None:
        """Kill what needs more than so many bytes.

        Raises:
            OSError: The kernel does not let us.
        """
        (self.folder / ("memory.limit_in_bytes" if self.version == 1 else "memory.max")).write_text(str(limit))

    def remove(self) -> None:
        """Remove the group; a process that is just ending may need a moment."""
        for _ in range(50):
            try:
                self.folder.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.1)
            else:
                return


def cpu_group() -> Group | None:
    """Make a group that counts CPU time, or None where that is not allowed."""
    return _make("cpuacct", "cpu.stat")


def memory_group(limit: int) -> Group | None:
    """Make a group with a memory limit in bytes, or None where that is not allowed."""
    group = _make("memory", "memory.max")
    if group is None:
        return None
    try:
        group.limit_memory(limit)
    except OSError:
        group.remove()
        return None
    return group


def _make(controller: str, needed: str) -> Group | None:
    """Make a group below ours, if the files that are needed are in it and may be used."""
    where, version = _ours(Path("/proc/self/cgroup"), controller)
    if where is None:
        return None
    folder = where / f"nightshift-bench-{os.getpid()}-{time.monotonic_ns()}"
    with suppress(OSError):
        folder.mkdir()
        if os.access(folder / "cgroup.procs", os.W_OK) and (version == 1 or (folder / needed).exists()):
            return Group(folder, version)
        folder.rmdir()
    return None


def _ours(listing: Path, controller: str) -> tuple[Path | None, int]:
    """Return the folder of the group that we are in, and the version of the hierarchy."""
    try:
        lines = [line.split(":", 2) for line in listing.read_text().splitlines()]
    except OSError:
        return None, 0
    for _, names, path in lines:
        if controller in names.split(","):
            folder = ROOT / controller / path.lstrip("/")
            return (folder if folder.is_dir() else None), 1
    for number, _, path in lines:
        if number == "0" and (ROOT / "cgroup.controllers").exists():
            folder = ROOT / path.lstrip("/")
            return (folder if folder.is_dir() else None), 2
    return None, 0


def _field(text: str, name: str) -> int:
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))
