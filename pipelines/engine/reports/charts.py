"""Where marks of a chart lie, in percent of its width or height. Pure; the templates draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.engine.views.night import Distribution, StepTime

NARROWEST = 0.6
"""Of a bar, in percent: what takes no time can be seen all the same."""
TICKS = 4


@dataclass(frozen=True)
class Bar:
    """A step on the time axis of its night: from `left`, `width` wide; `usual` is where it ends on half of other nights."""

    left: float
    width: float
    usual: float | None
    high: float | None


@dataclass(frozen=True)
class Column:
    """A bin of a distribution: its left edge and width, and how high each night is in it; None where there is none."""

    left: float
    width: float
    tonight: float | None
    last_week: float | None
    training: float | None


@dataclass(frozen=True)
class Histogram:
    """A distribution: its bins, what their edges are called (`left`, text), and the share that the full height means."""

    columns: tuple[Column, ...]
    ticks: tuple[tuple[float, str], ...]
    top: float


@dataclass(frozen=True)
class Point:
    """A mark at `left`, `up` (from the bottom), with what it stands for."""

    left: float
    up: float
    predicted: float
    observed: float
    rows: int


@dataclass(frozen=True)
class Scatter:
    """Predicted against observed: the points, and the ends of both axes."""

    points: tuple[Point, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Whisker:
    """A value with its interval on a common axis."""

    low: float
    value: float
    high: float


def time_bars(steps: Sequence[StepTime]) -> dict[str, Bar]:
    """Return a bar for each step that has begun; the axis goes from the first beginning to the last end that is shown."""
    begun = _beginnings(steps)
    if not begun:
        return {}
    first = min(begun.values())
    ends = [begun[step.step] + _longest(step) for step in steps if step.step in begun]
    whole = max(max(ends) - first, 1e-9)
    bars = {}
    for step in steps:
        if step.step not in begun:
            continue
        left = 100 * (begun[step.step] - first) / whole
        usual = step.usual
        bars[step.step] = Bar(
            round(min(left, 100 - NARROWEST), 3),
            round(max(NARROWEST, 100 * (step.seconds or 0.0) / whole), 3),
            round(left + 100 * usual.median / whole, 3) if usual else None,
            round(left + 100 * usual.high / whole, 3) if usual else None,
        )
    return bars


def histogram(distribution: Distribution) -> Histogram | None:
    """Return the bins of a distribution with equal widths, whatever their edges are; None before anything was scored."""
    if distribution.tonight is None:
        return None
    known = [side for side in (distribution.tonight, distribution.last_week, distribution.training) if side]
    top = max(max(side) for side in known)
    count = len(distribution.tonight)
    width = 100 / count

    def height(side: Sequence[float] | None, place: int) -> float | None:
        return round(100 * side[place] / top, 3) if side and place < len(side) else None

    columns = tuple(
        Column(
            round(place * width, 3),
            round(width, 3),
            height(distribution.tonight, place),
            height(distribution.last_week, place),
            height(distribution.training, place),
        )
        for place in range(count)
    )
    places = [round(count * tick / TICKS) for tick in range(TICKS + 1)]
    ticks = tuple((round(place * width, 3), f"{distribution.edges[place]:.3g}") for place in places)
    return Histogram(columns, ticks, top)


def scatter(points: Sequence[Sequence[float]]) -> Scatter | None:
    """Return predicted against observed on one scale, from `[predicted, observed, rows]`; None of fewer than two points."""
    if len(points) < 2:
        return None
    values = [value for point in points for value in point[:2]]
    low, high = min(values), max(values)
    low = 0.0 if 0 <= low <= high - low else low  # an axis from 0 where that does not press all points together
    span = (high - low) or 1.0
    marks = tuple(
        Point(
            round(100 * (predicted - low) / span, 3),
            round(100 * (observed - low) / span, 3),
            predicted,
            observed,
            int(rows),
        )
        for predicted, observed, rows in points
    )
    return Scatter(marks, low, high)


def whiskers(values: Mapping[str, tuple[float, float, float]]) -> dict[str, Whisker]:
    """Return values with their intervals, `(low, value, high)`, on one axis that just holds all of them."""
    if not values:
        return {}
    low, high = min(ends[0] for ends in values.values()), max(ends[2] for ends in values.values())
    span = (high - low) or 1.0
    return {
        name: Whisker(*(round(3 + 94 * (value - low) / span, 3) for value in ends)) for name, ends in values.items()
    }


def _beginnings(steps: Sequence[StepTime]) -> dict[str, float]:
    """Return when each step began. Times are told in whole seconds, and a step begins after the one before it."""
    begun: dict[str, float] = {}
    ended = 0.0
    for step in steps:
        if step.started_at:
            second = _at(step.started_at)
            begun[step.step] = min(max(second, ended), second + 1)
            ended = begun[step.step] + (step.seconds or 0.0)
    return begun


def _longest(step: StepTime) -> float:
    return max(step.seconds or 0.0, step.usual.high if step.usual else 0.0)


def _at(text: str | None) -> float:
    return datetime.fromisoformat(str(text)).timestamp()
