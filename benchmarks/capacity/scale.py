"""How large everything is. A quick run has the same parts and the same shape, and says nothing about speed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes of the parts.

    Attributes:
        pipelines: Houses that are measured, by their number of pipelines.
        by_one: Houses whose files are read with one parsing process, too.
        by_both: Houses whose runs are made with Airflow's own limits, too.
        files: DAG files of each kind that are read in forks.
        keys: That are claimed and finished by eight processes.
        histories: Pipelines and nights of each.
        idle_seconds: For how long a scheduler with nothing to do is watched.
    """

    pipelines: tuple[int, ...] = (10, 100, 1000)
    by_one: tuple[int, ...] = (100,)
    by_both: tuple[int, ...] = (100, 1000)
    files: int = 25
    keys: int = 10_000
    histories: tuple[tuple[int, int], ...] = ((50, 400), (1000, 90))
    idle_seconds: float = 8.0


FULL = Scale()
QUICK = Scale((3,), (3,), (3,), 3, 160, ((5, 12),), 3.0)
