"""What a piece of work cost: CPU seconds, bytes of files, memory.

Counted is the process that does it, and the children that it waited for; not what Airflow, databases, object stores and MLflow's server spend on
it. Where work ran elsewhere, in a cluster or a cloud's job, its cost is not known here, and that is what is recorded.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IO_FILE = Path("/proc/self/io")
KIB = 1024


@dataclass(frozen=True)
class Cost:
    """What a piece of work cost.

    Attributes:
        cpu_seconds: Of the process and of children that it waited for; None where it ran elsewhere.
        bytes_read: That were asked of files, whether they came from a disk or from memory; None where nobody counts (not Linux).
        bytes_written: Likewise.
        peak_bytes: The most memory that the process ever had until then; None where it ran elsewhere.
        elsewhere: Where it ran, if not in a process of ours: `spark` or `job`.
    """

    cpu_seconds: float | None = None
    bytes_read: int | None = None
    bytes_written: int | None = None
    peak_bytes: int | None = None
    elsewhere: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what is known as plain JSON."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def from_json(cls, value: object) -> Cost | None:
        """Return a recorded cost; None for work of before there was any."""
        if not isinstance(value, Mapping):
            return None
        return cls(**{name: value.get(name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Reading:
    """What a process has used since it began."""

    cpu_seconds: float
    bytes_read: int | None
    bytes_written: int | None

    def less(self, other: Reading) -> Reading:
        """Return what was used since another reading, or besides it."""
        return Reading(
            max(0.0, self.cpu_seconds - other.cpu_seconds),
            _less(self.bytes_read, other.bytes_read),
            _less(self.bytes_written, other.bytes_written),
        )

    def plus(self, other: Reading) -> Reading:
        """Return both together."""
        return Reading(
            self.cpu_seconds + other.cpu_seconds,
            _plus(self.bytes_read, other.bytes_read),
            _plus(self.bytes_written, other.bytes_written),
        )


NOTHING = Reading(0.0, 0, 0)


def read_now() -> Reading:
    """Return what this process and the children that it waited for have used; some microseconds."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    counted = _io()
    return Reading(sum(part.ru_utime + part.ru_stime for part in parts), counted.get("rchar"), counted.get("wchar"))


def cost_of(used: Reading) -> Cost:
    """Return the cost of work that ran in this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(
        round(used.cpu_seconds, 3),
        used.bytes_read,
        used.bytes_written,
        peak if sys.platform == "darwin" else peak * KIB,  # getrusage(2): Linux counts KiB
    )


def _io() -> dict[str, int]:
    """Return what the kernel counts of this process's reads and writes, proc(5); nothing where there is no such file."""
    try:
        lines = IO_FILE.read_text().splitlines()
        return {name: int(number) for name, _, number in (line.partition(": ") for line in lines)}
    except (OSError, ValueError):
        return {}


def _less(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(0, one - other)


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
