"""What earlier nights say about each step, told as if they had happened tonight: as many rows, as slow as lately."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from statistics import median

from pipelines.engine.promises.history import PastRun
from pipelines.engine.promises.values import Task

FEWEST_NIGHTS = 5
"""With fewer nights even the slowest of them is only about a p80, and nothing can be said about one night in ten."""
MOST_NIGHTS = 60
"""Older nights would weigh less than a twentieth of the newest."""
HALF_LIFE = 14.0
"""After so many nights, a night counts half: two weeks hold every weekday twice."""

_LATELY = 5  # nights whose median is the present level
_FOLLOW = 0.5  # of a change is believed to last
_SURE = 2.5  # standard errors between lately and before that are a change, not chance
_ROWS_FEWEST = 8  # nights with known rows before anything is concluded from them
_ROWS_GAIN = 0.8  # a step goes with rows if that leaves less than so much of its spread
_SHORTEST = 1.0  # seconds; what is shorter is not told apart


@dataclass(frozen=True)
class StepHabit:
    """How long one step takes.

    Attributes:
        seconds: Night by night, oldest first, brought to the level of the last nights where that has changed.
        usual: The weighted median of what it really took.
        rows: Rows of these nights, None where unknown.
        fixed, per_row: Seconds that it takes whatever the rows, and for each row; `per_row` 0 if it does not go with rows.
    """

    seconds: tuple[float, ...]
    usual: float
    rows: tuple[int | None, ...]
    fixed: float
    per_row: float

    def tonight(self, rows: int | None) -> list[float]:
        """Return what it would have taken each night, had there been so many rows.

        Args:
            rows: Tonight's; None leaves each night as it was.
        """
        if rows is None or not self.per_row:
            return list(self.seconds)
        tonight = self.expected(rows)
        return [
            took if expected is None else took * tonight / expected
            for took, expected in zip(self.seconds, self._expected, strict=True)
        ]

    def expected(self, rows: int) -> float:
        """Return what so many rows usually take."""
        return max(_SHORTEST, self.fixed + self.per_row * rows)

    @cached_property
    def _expected(self) -> list[float | None]:
        return [None if past is None else self.expected(past) for past in self.rows]


@dataclass(frozen=True)
class Habits:
    """What earlier nights say about a DAG.

    Attributes:
        tasks: Those that count, each after all that it waits for.
        downstream: By task id: those of them that wait for it.
        weights: How much each night counts, oldest first; the newest counts 1.
        steps: By task id.
        began: Seconds from when each night should have begun to when it did.
    """

    tasks: tuple[Task, ...]
    downstream: Mapping[str, tuple[str, ...]]
    weights: tuple[float, ...]
    steps: Mapping[str, StepHabit]
    began: tuple[float, ...]


def learn(tasks: Sequence[Task], past: Sequence[PastRun], delivers: str | None) -> Habits | None:
    """Return what the newest nights say, or None if they are fewer than `FEWEST_NIGHTS`.

    Args:
        tasks: The DAG.
        past: Earlier runs, oldest first. Those in which a step that counts is missing are left out.
        delivers: The task whose end counts, with all that it waits for; None: all tasks.
    """
    counted = _counted(tasks, delivers)
    nights = [night for night in past if all(task.task_id in night.steps for task in counted)][-MOST_NIGHTS:]
    if len(nights) < FEWEST_NIGHTS or not counted:
        return None
    weights = tuple(0.5 ** (age / HALF_LIFE) for age in reversed(range(len(nights))))
    rows = tuple(night.rows or None for night in nights)
    by_rows = sorted((number for number, known in enumerate(rows) if known), key=lambda number: rows[number] or 0)
    downstream: dict[str, tuple[str, ...]] = {task.task_id: () for task in counted}
    for task in counted:
        for name in task.upstream:
            if name in downstream:
                downstream[name] += (task.task_id,)
    steps = {
        task.task_id: _habit([night.steps[task.task_id] for night in nights], weights, rows, by_rows)
        for task in counted
    }
    return Habits(counted, downstream, weights, steps, tuple(max(0.0, night.began) for night in nights))


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the smallest value below which, itself included, half of the weight lies."""
    pairs = sorted(zip(values, weights, strict=True))
    sums = list(accumulate(weight for _, weight in pairs))
    return pairs[min(len(pairs) - 1, bisect_left(sums, sums[-1] / 2))][0]


def middle_slope(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the median slope of y over x between each point of the lower half and its partner in the upper half.

    A few wild points do not move it, and it costs no more than a sort (the incomplete method of Theil).

    Args:
        pairs: Points (x, y), sorted by x.
    """
    half = len(pairs) // 2
    upper = pairs[len(pairs) - half :]
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in zip(pairs, upper, strict=False) if x2 > x1]
    return median(slopes) if slopes else 0.0


def _counted(tasks: Sequence[Task], delivers: str | None) -> tuple[Task, ...]:
    """The tasks whose end counts, sorted so that each comes after those that it waits for."""
    by_id = {task.task_id: task for task in tasks}
    ordered: dict[str, Task] = {}

    def add(task: Task, below: frozenset[str]) -> None:
        if task.task_id in ordered or task.task_id in below:
            return
        for name in task.upstream:
            if name in by_id:
                add(by_id[name], below | {task.task_id})
        ordered[task.task_id] = task

    for task in [by_id[delivers]] if delivers in by_id else tasks:
        add(task, frozenset())
    return tuple(ordered.values())


def _habit(
    took: Sequence[float], weights: Sequence[float], rows: Sequence[int | None], by_rows: Sequence[int]
) -> StepHabit:
    seconds = [max(_SHORTEST, value) for value in took]
    fixed, per_row = _goes_with_rows([(float(rows[number] or 0), seconds[number]) for number in by_rows])
    plain = StepHabit(tuple(seconds), weighted_median(took, weights), tuple(rows), fixed, per_row)
    level = _level(plain)
    if level is None:
        return plain
    moved = tuple(value * math.exp(shift) for value, shift in zip(seconds, level, strict=True))
    return StepHabit(moved, plain.usual, plain.rows, fixed, per_row)


def _goes_with_rows(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Seconds whatever the rows, and per row; (0, 0) if the step does not go with rows."""
    if len(points) < _ROWS_FEWEST or points[-1][0] < 1.05 * points[0][0]:
        return 0.0, 0.0
    per_row = middle_slope(points)
    if per_row <= 0:
        return 0.0, 0.0
    fixed = median(seconds - per_row * rows for rows, seconds in points)
    if fixed < 0:
        fixed, per_row = 0.0, median(seconds / rows for rows, seconds in points)
    usual = median(seconds for _, seconds in points)
    plain = median(abs(math.log(seconds / usual)) for _, seconds in points)
    left = median(abs(math.log(seconds / max(_SHORTEST, fixed + per_row * rows))) for rows, seconds in points)
    return (fixed, per_row) if left < _ROWS_GAIN * plain else (0.0, 0.0)


def _level(habit: StepHabit) -> list[float] | None:
    """By how much (as a logarithm) each night is to be moved to the present level; None if that has not changed."""
    known = [rows for rows in habit.rows if rows]
    logs = [math.log(seconds) for seconds in habit.tonight(known[-1] if known else None)]
    lately, before = logs[-_LATELY:], logs[:-_LATELY]
    if len(before) < _LATELY:
        return None
    now, then = median(lately), median(before)
    spread = 1.4826 * median([abs(value - then) for value in before] + [abs(value - now) for value in lately])
    error = 1.2533 * spread * math.sqrt(1 / len(lately) + 1 / len(before))
    if abs(now - then) < max(0.02, _SURE * error):
        return None
    around = _LATELY // 2
    return [
        _FOLLOW * (now - median(logs[max(0, number - around) : number + around + 1])) for number in range(len(logs))
    ]
