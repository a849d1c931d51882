"""How far may a metric be from what it would be on other nights? Confidence intervals by the bootstrap.

The rows of the holdout are drawn again and again, with replacement, and each time the metrics are computed. An interval is
the measured value give or take 1.96 standard deviations of what came out: for a standard error some 50 to 200 resamples
are enough, where percentiles would need more than a thousand (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapters 6 and 13). Of a large holdout each resample draws `MOST_ROWS` rows, and the deviation is scaled by the root of
the shares (the m out of n bootstrap; Bickel, Goetze and van Zwet 1997), so that it costs little beside a fit.

Rows are drawn as if they were independent. Those of one night share what happened in it, so the intervals are rather too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from pipelines.engine.kinds import Kind
from pipelines.engine.metrics import METRICS, metrics_of

if TYPE_CHECKING:
    import numpy as np

Pair = tuple["np.ndarray", "np.ndarray"]
"""Targets and scores, as metrics take them."""
RESAMPLES = 50
MOST_ROWS = 5_000
FEWEST_MEASURED = 25
"""So many resamples must be measurable: one that drew a single class is not."""
SEED = 7
NORMAL_95 = 1.96


def intervals_of(
    kind: Kind, target: np.ndarray, scores: np.ndarray, *, only: Collection[str] | None = None
) -> dict[str, list[float]]:
    """Return the 95 % confidence interval of each metric.

    Args:
        kind: What the model answers.
        target: As metrics take it.
        scores: As metrics take them.
        only: The metrics that are wanted; None for all of the kind.

    Returns:
        Metric name to the ends of its interval; without those that cannot be told.
    """
    measured = metrics_of(target, scores, kind, only=only)
    deviations = _deviations(len(target), lambda rows: metrics_of(target[rows], scores[rows], kind, only=only))
    return {
        name: _ends(value, deviations[name], METRICS[name].least, METRICS[name].most)
        for name, value in measured.items()
        if name in deviations
    }


def difference_of(metric: str, kind: Kind, challenger: Pair, champion: Pair) -> dict[str, Any] | None:
    """Return by how much a challenger differs from the champion on the same rows, with its 95 % confidence interval.

    Both are measured on the same resamples, so that what makes some rows hard for both does not blur the difference.

    Args:
        metric: Which.
        kind: What both answer.
        challenger: Its targets and scores.
        champion: The same rows' targets and the champion's scores.

    Returns:
        `metric`, `value` (challenger minus champion), `low`, `high`; None where it cannot be told.
    """

    def measure(rows: np.ndarray | slice) -> dict[str, float]:
        first, second = (
            metrics_of(target[rows], scores[rows], kind, only=(metric,)) for target, scores in (challenger, champion)
        )
        return {metric: first[metric] - second[metric]} if metric in first and metric in second else {}

    value = measure(slice(None)).get(metric)
    deviation = _deviations(len(challenger[0]), measure).get(metric)
    if value is None or deviation is None:
        return None
    low, high = _ends(value, deviation, None, None)
    return {"metric": metric, "value": value, "low": low, "high": high}


def _deviations(rows: int, measure: Callable[[np.ndarray], Mapping[str, float]]) -> dict[str, float]:
    """Return the standard deviation of each metric over resamples of so many rows."""
    import numpy as np

    chance = np.random.default_rng(SEED)
    drawn = min(rows, MOST_ROWS)
    found: dict[str, list[float]] = {}
    for _ in range(RESAMPLES if rows > 1 else 0):
        for name, value in measure(chance.integers(0, rows, drawn)).items():
            found.setdefault(name, []).append(value)
    scale = math.sqrt(drawn / rows) if rows else 1.0
    return {
        name: scale * float(np.std(values, ddof=1)) for name, values in found.items() if len(values) >= FEWEST_MEASURED
    }


def _ends(value: float, deviation: float, least: float | None, most: float | None) -> list[float]:
    low, high = value - NORMAL_95 * deviation, value + NORMAL_95 * deviation
    return [low if least is None else max(least, low), high if most is None else min(most, high)]
