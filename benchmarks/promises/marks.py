"""Marks for those who foresee: precision, recall, lead time, Brier score, reliability; and the thresholds that suit them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.promises.houses import MINUTE
from benchmarks.promises.walk import Watched
from pipelines.engine.promises.report import Accuracy, Bin, Outcome, accuracy, brier, reliability

LEAST_PRECISION = 0.8
EARLY = 30 * MINUTE
CHECKED_EVERY = 10  # minutes

Said = Callable[[float], float]


@dataclass(frozen=True)
class Marks:
    """How good one seer was.

    Attributes:
        warnings: Of its one warning for each night.
        early: Of all misses, how many it foresaw at least half an hour before they were due.
        brier: Of what it said every ten minutes of every night, until the night was finished or due.
        brier_adjusted: Likewise, each probability replaced by what came of it on the tuning months.
    """

    warnings: Accuracy
    early: float
    brier: float
    brier_adjusted: float


def outcomes(nights: Sequence[Watched], seer: str, below: float) -> list[Outcome]:
    """Return what came of each night, if one warning is given as soon as the probability is below this."""
    found = []
    for night in nights:
        first = next(((minute, said) for minute, said in enumerate(night.said[seer]) if said < below), None)
        warned_at, probability = (first[0] * MINUTE, first[1]) if first else (None, None)
        found.append(Outcome(seer, night.name, warned_at, probability, night.due_at, night.finished_at, night.missed))
    return found


def said_and_came(nights: Sequence[Watched], seer: str) -> list[tuple[float, bool]]:
    """Return what was said at the check times, and whether the promise was kept."""
    return [(said, not night.missed) for night in nights for said in night.said[seer][::CHECKED_EVERY]]


def marks(nights: Sequence[Watched], seer: str, below: float, adjust: Said) -> Marks:
    """Return the marks of one seer that warns below a probability."""
    found = outcomes(nights, seer, below)
    warnings = accuracy(found)
    early = sum(night.foreseen and night.missed and night.due_at - (night.warned_at or 0.0) >= EARLY for night in found)
    said = said_and_came(nights, seer)
    return Marks(
        warnings,
        early / max(1, warnings.misses),
        brier(said) or 0.0,
        brier([(adjust(probability), kept) for probability, kept in said]) or 0.0,
    )


def best_threshold(nights: Sequence[Watched], seer: str) -> float:
    """Return the threshold whose warnings come earliest, among those that are right often enough.

    If none is, the one that is right most often; that foresees nothing is not right.
    """
    found = {below / 100: marks(nights, seer, below / 100, float) for below in range(5, 100, 5)}
    precise = [below for below, mark in found.items() if (mark.warnings.precision or 0.0) >= LEAST_PRECISION]
    good = [below for below in precise if (found[below].warnings.recall or 0.0) >= 0.5]
    if good:
        return max(good, key=lambda below: (found[below].early, -below))
    return max(
        found, key=lambda below: (found[below].warnings.precision or 0.0) * (found[below].warnings.recall or 0.0)
    )


def adjustment(nights: Sequence[Watched], seer: str) -> Said:
    """Return what came, on these nights, where a probability near the given one was said."""
    bins: list[Bin] = reliability(said_and_came(nights, seer), 20)

    def adjust(probability: float) -> float:
        return min(bins, key=lambda group: abs(group.said - probability)).came

    return adjust
