"""Who foresees: this repository's forecast, and two that others use. All know the same history and the same progress."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pvariance
from typing import Protocol

from pipelines.engine.promises.forecast import look_ahead
from pipelines.engine.promises.habits import Habits, learn
from pipelines.engine.promises.history import PastRun, Progress
from pipelines.engine.promises.values import Declaration, Task


class Seer(Protocol):
    """Says how likely a night keeps its promise."""

    def probability(self, progress: Progress, now: float, due_at: float) -> float:
        """Return it, 0 to 1, as known now."""
        ...


@dataclass
class WholeNights:
    """`pipelines.engine.promises.forecast`; what it learns before the night is kept, to save time."""

    habits: Habits

    @classmethod
    def of(cls, declaration: Declaration, past: Sequence[PastRun]) -> WholeNights:
        """Learn from earlier nights."""
        habits = learn(declaration.tasks, past, declaration.delivers)
        if habits is None:
            raise ValueError("a month of the benchmark begins with more history than that")
        return cls(habits)

    def probability(self, progress: Progress, now: float, due_at: float) -> float:
        """Return it, as the watch would."""
        outlook = look_ahead(self.habits, progress)
        return outlook.finished_within(due_at - now) if outlook else 1.0


@dataclass
class MeanDuration:
    """The mean of the last ten durations: Airflow's `AVERAGE_RUNTIME`.

    It is told more than Airflow tells it: the time to the delivery and not to the end of the run. A mean alone knows no
    probability: where start and mean end after the deadline it says 0; else 1, and less the longer the run outlasts the
    mean, so that a threshold is the interval that people add to `AVERAGE_RUNTIME`.
    """

    mean: float
    started_at: float | None = None

    @classmethod
    def of(cls, declaration: Declaration, past: Sequence[PastRun]) -> MeanDuration:
        """Learn from earlier nights."""
        return cls(fmean(_until_delivery(declaration, night.steps) for night in past[-10:]))

    def probability(self, progress: Progress, now: float, due_at: float) -> float:
        """Return 0 if the mean duration does not fit, else mean over duration so far, at most 1."""
        if progress.waited is None and self.started_at is None:
            self.started_at = now  # it is asked every minute
        began = now if self.started_at is None else self.started_at
        return min(1.0, self.mean / max(1.0, now - began)) if began + self.mean <= due_at else 0.0


@dataclass
class NormalConfidence:
    """Mean and variance of each step along the path that is critical by means, and a normal distribution over all.

    As the enterprise schedulers describe their confidence factor. A running step is one of those normal durations that are
    longer than it has taken so far.
    """

    tasks: Mapping[str, Task]
    downstream: Mapping[str, Sequence[str]]
    steps: Mapping[str, tuple[float, float]]
    began: tuple[float, float]

    @classmethod
    def of(cls, declaration: Declaration, past: Sequence[PastRun]) -> NormalConfidence:
        """Learn from earlier nights."""
        habits = learn(declaration.tasks, past, declaration.delivers)  # only for the order of the tasks that count
        counted = habits.tasks if habits else declaration.tasks
        steps = {
            task.task_id: (
                fmean(night.steps[task.task_id] for night in past),
                pvariance([night.steps[task.task_id] for night in past]),
            )
            for task in counted
        }
        began = [night.began for night in past]
        return cls(
            {task.task_id: task for task in counted},
            {name: [task.task_id for task in counted if name in task.upstream] for name in steps},
            steps,
            (fmean(began), pvariance(began)),
        )

    def probability(self, progress: Progress, now: float, due_at: float) -> float:
        """Return the smallest confidence of all paths that are left, each by its longest mean."""
        left = {name: task for name, task in self.tasks.items() if name not in progress.done}
        if not left:
            return 1.0
        rest: dict[str, tuple[float, float]] = {}
        for name in reversed(left):
            after = [_plus(self.steps[other], rest[other]) for other in self.downstream[name] if other in rest]
            rest[name] = max(after, default=(0.0, 0.0))
        if progress.waited is not None:
            whole = max(_plus(self.steps[name], rest[name]) for name in left)
            paths = [_plus(_left_of(self.began, progress.waited), whole)]
        else:
            paths = [
                _plus(_left_of(self.steps[name], progress.running.get(name, 0.0)), rest[name])
                for name, task in left.items()
                if all(other not in left for other in task.upstream)
            ]
        return min(_normal((due_at - now - mean) / math.sqrt(max(1.0, variance))) for mean, variance in paths)


def _until_delivery(declaration: Declaration, steps: Mapping[str, float]) -> float:
    """From the begin of a run to its delivery."""
    ends: dict[str, float] = {}
    for task in declaration.tasks:  # the houses name them in order
        ends[task.task_id] = max((ends[name] for name in task.upstream), default=0.0) + steps[task.task_id]
    return ends[declaration.delivers] if declaration.delivers else max(ends.values())


def _plus(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]


def _left_of(step: tuple[float, float], elapsed: float) -> tuple[float, float]:
    """Mean and variance of what is left of a normal duration that is longer than `elapsed`."""
    mean, variance = step
    deviation = math.sqrt(max(1.0, variance))
    z = (elapsed - mean) / deviation
    beyond = _normal(-z)
    if beyond < 1e-9:  # far beyond: the tail falls like an exponential curve
        return deviation / z, (deviation / z) ** 2
    ratio = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / beyond
    return max(0.0, mean + deviation * ratio - elapsed), max(0.0, variance * (1 + z * ratio - ratio * ratio))


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))
