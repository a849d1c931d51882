"""Run subjects in turn, each as a process of its own, and compare CPU seconds and peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    cpu_seconds: float
    peak_mb: float


def run(words: Sequence[str]) -> Cost:
    """Run `python -m WORDS` to its end and read what the kernel says it took.

    Raises:
        RuntimeError: It failed.
    """
    process = subprocess.Popen([sys.executable, "-m", *words])  # noqa: S603 - our own interpreter and modules
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turn(subjects: dict[str, Sequence[str]], rounds: int) -> dict[str, list[Cost]]:
    """Run every subject once per round, so that what else the machine does falls on all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in subjects}
    for number in range(rounds):
        for name, words in subjects.items():
            print(f"  round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)  # noqa: T201
            costs[name].append(run(words))
    return costs


def show(title: str, costs: dict[str, list[Cost]]) -> None:
    """Print medians, and each subject as a ratio of the first."""
    base = next(iter(costs.values()))
    print(f"\n{title} (median of {len(base)}, ratio to the first)")  # noqa: T201
    for name, found in costs.items():
        cpu, memory = _medians(found)
        base_cpu, base_memory = _medians(base)
        print(  # noqa: T201
            f"  {name:<44} {cpu:7.2f} CPU s  x{cpu / base_cpu:5.2f}    {memory:7.0f} MB peak  x{memory / base_memory:5.2f}"
        )


def _medians(costs: Sequence[Cost]) -> tuple[float, float]:
    return statistics.median(c.cpu_seconds for c in costs), statistics.median(c.peak_mb for c in costs)
