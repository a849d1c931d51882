"""When will a running night be finished, and how sure is that? Earlier nights, each taken whole, go on from here.

Every earlier night is a way in which tonight may go on: its remaining steps, as long as they would be with tonight's rows
and at the present level, along the longest path. Nights are never cut up and multiplied, so what was slow together stays
slow together. A night in which the running step was over by now counts little, since tonight is not like that night.
Around each night lies a smooth curve, since no two are alike; and beside them stands an imagined night with a long tail,
since a step that takes longer than ever before is not about to end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace

from pipelines.engine.promises.habits import Habits, learn, middle_slope, weighted_median
from pipelines.engine.promises.history import PastRun, Progress
from pipelines.engine.promises.values import Task
from pipelines.engine.promises.verdicts import Forecast

WARN_BELOW = 0.2
"""A night is at risk once it is four times likelier to miss than to keep its promise. A warning is given once and cannot be
taken back, so it waits until it is probably right: chosen so that four of five warnings were, on simulated months (seeds
0 to 5 of `benchmarks/promises`; what is reported comes from others)."""

IMAGINED = 1.0
"""Beside the earlier nights stands an imagined one, in which the running step takes longer than ever; it weighs as much as
so many nights."""
TAIL = 1.5
"""How long a surprise lasts: half of those that lasted an hour are over when they have lasted 1 h 35 min (2 ** (1 / TAIL))."""

_BEGINNING = ""  # the wait for the beginning, as the first of all steps
_NARROWEST = 0.05  # the least spread around a night, as a logarithm: no two nights are alike
_WIDEST = 0.5
_TRUST_SHARDS = 1.5  # so many finished shards say as much about the rest as earlier nights do
_UNEVEN = 0.8  # shards are not alike: how much of what equal ones would have taken is certain
_MOST_ALIKE = 0.25  # a night that began wildly slow (a retry) is not expected to go on so
_LONGEST = 30 * 86400.0


def is_at_risk(forecast: Forecast | None) -> bool:
    """Whether people should be warned now. Silence (None) is no warning."""
    return forecast is not None and forecast.probability < WARN_BELOW


def forecast(
    tasks: Sequence[Task],
    past: Sequence[PastRun],
    progress: Progress,
    *,
    now: float,
    due_at: float,
    delivers: str | None,
) -> Forecast | None:
    """Return when a night will be finished, or None if nothing can be said: history too thin, or nothing left to do.

    Args:
        tasks: Its DAG.
        past: Earlier runs that went through, oldest first.
        progress: How far it has come.
        now: Seconds since 1970, by the clock that the night is in.
        due_at: When it should be finished, likewise.
        delivers: The task whose end counts, with all that it waits for; None: all tasks.
    """
    habits = learn(tasks, past, delivers)
    outlook = look_ahead(habits, progress) if habits else None
    if habits is None or outlook is None:
        return None
    p50, p90 = outlook.quantile(0.5), outlook.quantile(0.9)
    step = _step_that_eats_the_slack(habits, progress, outlook)
    habit = habits.steps[step]
    return Forecast(
        probability=outlook.finished_within(due_at - now),
        finish_p50=now + p50,
        finish_p90=now + p90,
        slack_seconds=due_at - now - p90,
        step=step,
        step_seconds=progress.done.get(step, progress.running.get(step)),
        step_usual_seconds=habit.usual,
        basis=_basis(habits, progress, outlook),
    )


@dataclass(frozen=True)
class _Head:
    """One step that tonight is at, with what earlier nights say of it.

    Attributes:
        elapsed: Seconds since it could begin.
        reach: It takes at least this long.
        took: Per night, how long it would take.
        rest: Per night, how long the longest path after it would take.
        whole: Per night, both.
    """

    step: str
    elapsed: float
    reach: float
    took: Sequence[float]
    rest: Sequence[float]
    whole: Sequence[float]

    @classmethod
    def of(cls, step: str, elapsed: float, reach: float, took: Sequence[float], rest: Sequence[float]) -> _Head:
        return cls(step, elapsed, reach, took, rest, _plus(took, rest))


@dataclass(frozen=True)
class Outlook:
    """Where tonight stands, and how each earlier night would go on from here.

    Attributes:
        weights: How much each night counts.
        heads: The steps that tonight is at; at least one.
        slowest: That of them which has outlasted its habit most.
        width: How far nights spread around those before, as a logarithm.
        alike: Per night: how likely a night near it comes as far as tonight.
        tonight: By task id that is not done: per night, how long it would take.
    """

    weights: Sequence[float]
    heads: Sequence[_Head]
    slowest: _Head
    width: float
    alike: Sequence[float]
    tonight: Mapping[str, Sequence[float]]

    def finished_within(self, seconds: float) -> float:
        """Return how likely the night is finished within so many seconds from now, 0 to 1.

        Of all ways in which earlier nights, and nights near them, go on, those count in which the running steps still run:
        the share of them that end in time. As time passes and nothing happens, it falls; only where steps are to follow may
        it rise, if those nights in which the running step was quick went on slowly.
        """
        if seconds <= 0:
            return 0.0
        slowest = self.slowest
        others = [head for head in self.heads if head is not slowest]
        total = sum(self.weights)
        possible = in_time = 0.0
        for night, (weight, alike) in enumerate(zip(self.weights, self.alike, strict=True)):
            # The night as a whole is slower or faster than it was ...
            factor = min([(seconds + head.elapsed) / head.whole[night] for head in self.heads])
            possible += weight * alike
            in_time += weight * max(0.0, alike - _beyond(factor, self.width))
            # ... or the running step is like no night before, and the rest goes on as it did.
            imagined = weight / total * IMAGINED
            possible += imagined
            until = (seconds + slowest.elapsed - slowest.rest[night]) / max(slowest.reach, slowest.took[night])
            if until > 1 and all(head.whole[night] - head.elapsed <= seconds for head in others):
                in_time += imagined * (1 - math.pow(until, -TAIL))
        return min(1.0, in_time / possible)

    def quantile(self, share: float) -> float:
        """Return within how many seconds from now the night is finished with this probability; at most a month."""
        high = min(_LONGEST, max(60.0, *[max(head.whole) - head.elapsed for head in self.heads]))
        while (above := self.finished_within(high)) < share:
            if high >= _LONGEST:
                return _LONGEST
            high *= 2
        low = below = 0.0
        while high - low > max(1.0, high / 50):
            between = (low + high) / 2
            at = self.finished_within(between)
            if at < share:
                low, below = between, at
            else:
                high, above = between, at
        return low + (high - low) * (share - below) / (above - below)

    def expected(self, head: _Head) -> float:
        """Return how long a step that runs will probably take: the median of the nights in which it took as long."""
        longer = [(took, weight) for took, weight in zip(head.took, self.weights, strict=True) if took > head.reach]
        if not longer:
            return head.reach * math.pow(2, 1 / TAIL)
        return weighted_median(*zip(*longer, strict=True))

    @property
    def like_none(self) -> bool:
        """Whether the running steps have taken longer than on any earlier night."""
        return all(any(head.took[night] <= head.elapsed for head in self.heads) for night in range(len(self.weights)))


def look_ahead(habits: Habits, progress: Progress) -> Outlook | None:
    """Return where a night stands; None if nothing that counts is left to do."""
    left = [task for task in habits.tasks if task.task_id not in progress.done]
    if not left:
        return None
    tonight = {task.task_id: habits.steps[task.task_id].tonight(progress.rows) for task in left}
    rest: dict[str, list[float]] = {}
    for task in reversed(left):
        after = [name for name in habits.downstream[task.task_id] if name in rest]
        paths = [_plus(tonight[name], rest[name]) for name in after]
        rest[task.task_id] = _longest(paths, len(habits.weights))
    if progress.waited is not None:
        first = [_plus(tonight[name], rest[name]) for name in rest]
        began = [max(1.0, seconds) for seconds in habits.began]
        heads = [_Head.of(_BEGINNING, progress.waited, progress.waited, began, _longest(first, len(began)))]
    else:
        factors = _slower_so_far(habits, progress, rest, tonight)
        tonight = {name: _times(values, factors) for name, values in tonight.items()}
        heads = [
            _head(task, progress, tonight[task.task_id], _times(rest[task.task_id], factors))
            for task in left
            if task.task_id in progress.running or all(name not in rest for name in task.upstream)
        ]
    slowest = max(heads, key=lambda head: head.reach / weighted_median(head.took, habits.weights))
    width = _width(heads, habits.weights)
    nights = zip(*([head.reach / took for took in head.took] for head in heads), strict=True)
    alike = [_beyond(max(night), width) for night in nights]
    return Outlook(habits.weights, heads, slowest, width, alike, tonight)


def _longest(paths: Sequence[Sequence[float]], nights: int) -> list[float]:
    if len(paths) == 1:
        return list(paths[0])
    return [max(night) for night in zip(*paths, strict=True)] if paths else [0.0] * nights


def _plus(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [a + b for a, b in zip(one, other, strict=True)]


def _times(values: Sequence[float], factors: Sequence[float]) -> list[float]:
    return [value * factor for value, factor in zip(values, factors, strict=True)]


def _beyond(factor: float, width: float) -> float:
    """How likely a night takes more than `factor` of what its like took."""
    return 0.5 * math.erfc(math.log(factor) / (width * math.sqrt(2))) if factor > 0 else 1.0


def _head(task: Task, progress: Progress, took: Sequence[float], rest: Sequence[float]) -> _Head:
    """The running step; one with shards also knows how many of them are finished, and how fast they were."""
    name = task.task_id
    elapsed = progress.running.get(name, 0.0)
    done, of = progress.shards_done.get(name, (0, 0))
    at_work = progress.shards_running.get(name, ())
    if not of or not at_work:
        return _Head.of(name, elapsed, elapsed, took, rest)
    reach = elapsed
    waiting = max(0, of - done - len(at_work))
    if waiting:
        reach = max(elapsed, _UNEVEN * elapsed * of / (done + len(at_work)))
    if name in progress.shard_seconds:
        # Where all shards run at once, the finished ones say little of the others; where most are through, much.
        trust = done / (done + _TRUST_SHARDS) * max(0.0, 1 - len(at_work) / of)
        at_this_rate = max(1.0, elapsed + _shards_left(at_work, waiting, progress.shard_seconds[name]))
        took = [seconds ** (1 - trust) * at_this_rate**trust for seconds in took]
    return _Head.of(name, elapsed, reach, took, rest)


def _shards_left(at_work: Sequence[float], waiting: int, usual: float) -> float:
    """Seconds until the last shard is finished, if each takes `usual` and is taken by the first free worker.

    One that has taken longer is expected to need half as much more as it is over.
    """
    free = [max(usual - seconds, (seconds - usual) / 2) for seconds in at_work]
    heapify(free)
    for _ in range(waiting):
        heapreplace(free, free[0] + usual)
    return max(free)


def _slower_so_far(
    habits: Habits, progress: Progress, rest: Mapping[str, Sequence[float]], tonight: Mapping[str, Sequence[float]]
) -> list[float]:
    """By how much each night's remaining steps would be slower, given how its finished ones compare with tonight's.

    Whether nights that begin slow go on slow is for history to say.
    """
    nights = len(habits.weights)
    done = [task.task_id for task in habits.tasks if task.task_id in progress.done]
    if not done:
        return [1.0] * nights
    so_far = math.log(max(1.0, sum(progress.done[name] for name in done)))
    columns = [habits.steps[name].tonight(progress.rows) for name in done]
    before = [math.log(max(1.0, sum(night))) for night in zip(*columns, strict=True)]
    after = _longest([_plus(tonight[name], rest[name]) for name in rest], nights)
    points = sorted((x, math.log(max(1.0, seconds))) for x, seconds in zip(before, after, strict=True))
    slope = min(1.0, max(0.0, middle_slope(points))) * nights / (nights + 10)
    return [math.exp(slope * min(_MOST_ALIKE, max(-_MOST_ALIKE, so_far - x))) for x in before]


def _width(heads: Sequence[_Head], weights: Sequence[float]) -> float:
    """How wide to spread around each night: the fewer the nights and the more they differ, the wider."""
    logs = [math.log(seconds) for seconds in _longest([head.whole for head in heads], len(weights))]
    centre = weighted_median(logs, weights)
    spread = 1.4826 * weighted_median([abs(value - centre) for value in logs], weights)
    nights = sum(weights) ** 2 / sum(weight * weight for weight in weights)
    return min(_WIDEST, max(_NARROWEST, spread * math.pow(nights, -0.2)))


def _step_that_eats_the_slack(habits: Habits, progress: Progress, outlook: Outlook) -> str:
    """Of the longest path through the whole night: the step that exceeds its habit most, or else the longest."""
    runs = {head.step: outlook.expected(head) for head in outlook.heads}

    def seconds(name: str) -> float:
        if name in progress.done:
            return progress.done[name]
        return runs[name] if name in runs else weighted_median(outlook.tonight[name], outlook.weights)

    path = _critical_path(habits, seconds)
    beyond = {name: seconds(name) - habits.steps[name].usual for name in path}
    worst = max(path, key=lambda name: beyond[name])
    if beyond[worst] > max(60.0, 0.1 * habits.steps[worst].usual):
        return worst
    return max((name for name in path if name not in progress.done), key=seconds, default=worst)


def _critical_path(habits: Habits, seconds: Callable[[str], float]) -> list[str]:
    ends: dict[str, tuple[float, list[str]]] = {}
    for task in habits.tasks:
        before = [ends[name] for name in task.upstream if name in ends]
        at, path = max(before, key=lambda end: end[0], default=(0.0, []))
        ends[task.task_id] = at + seconds(task.task_id), [*path, task.task_id]
    return max(ends.values(), key=lambda end: end[0])[1]


def _basis(habits: Habits, progress: Progress, outlook: Outlook) -> str:
    words = f"p90 of {len(habits.weights)} nights"
    if progress.rows is not None and any(habits.steps[name].per_row for name in outlook.tonight):
        words += f", as with {progress.rows:,} rows"
    return f"{words}; none of them took so long" if outlook.like_none else words
