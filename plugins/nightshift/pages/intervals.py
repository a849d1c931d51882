"""Where numbers and their intervals lie on a common scale, for the small bars beside versions. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.engine.views.models import ModelView

EDGE = 0.08
"""Of the scale, left free on both sides."""


@dataclass(frozen=True)
class Bar:
    """One version's number on the scale of all versions; places are 0 to 100.

    Attributes:
        value: The number.
        low, high: Of its interval; None where it is not known.
        at, begins, ends: Where these three are.
        threshold: Where the gate's least good number is; None if none was asked.
    """

    value: float
    low: float | None
    high: float | None
    at: float
    begins: float | None
    ends: float | None
    threshold: float | None


def bars(view: ModelView) -> dict[str, Bar]:
    """Return a bar for each version that has the number that the gate asks for, by version."""
    metric = view.metric
    if metric is None:
        return {}
    known = {one.version: one for one in view.versions if metric in one.metrics}
    ends = {number: _ends(one.intervals.get(metric)) for number, one in known.items()}
    all_numbers = [one.metrics[metric] for one in known.values()]
    all_numbers += [end for pair in ends.values() for end in pair if end is not None]
    all_numbers += [view.threshold] if view.threshold is not None else []
    if not known:
        return {}
    least, most = min(all_numbers), max(all_numbers)

    def place(value: float | None) -> float | None:
        if value is None:
            return None
        within = (value - least) / (most - least) if most > least else 0.5
        return round(100 * (EDGE + (1 - 2 * EDGE) * within), 2)

    return {
        number: Bar(
            one.metrics[metric],
            *ends[number],
            place(one.metrics[metric]) or 0.0,
            place(ends[number][0]),
            place(ends[number][1]),
            place(view.threshold),
        )
        for number, one in known.items()
    }


def _ends(interval: object) -> tuple[float | None, float | None]:
    if isinstance(interval, list | tuple) and len(interval) == 2:
        return float(interval[0]), float(interval[1])
    return None, None
