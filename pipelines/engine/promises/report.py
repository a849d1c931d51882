"""How good the early warnings were, from what became of each night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median


@dataclass(frozen=True)
class Outcome:
    """What became of one promise on one night. Times are seconds since 1970, all by one clock.

    Attributes:
        promise_id: Which promise.
        night: Which night.
        warned_at: When people were told that it was at risk; None if they were not.
        probability: Of keeping the promise, as the warning said; None if it said none.
        due_at: When it was due.
        finished_at: When it was kept after all or in time; None while it is not.
        missed: Whether it was not kept in time.
    """

    promise_id: str
    night: str
    warned_at: float | None
    probability: float | None
    due_at: float
    finished_at: float | None
    missed: bool

    @property
    def foreseen(self) -> bool:
        """Whether it was warned of before it was due. A warning after that foresees nothing."""
        return self.warned_at is not None and self.warned_at < self.due_at


@dataclass(frozen=True)
class Accuracy:
    """How good warnings were.

    Attributes:
        nights: Judged nights.
        warned: How many of them were warned of before they were due.
        right: Of those: missed.
        false_alarms: Of those: kept.
        misses: How many were missed.
        not_foreseen: Of those: without a warning.
        precision: Of the warnings, how many were right; None without warnings.
        recall: Of the misses, how many were foreseen; None without misses.
        lead_seconds: Median time from a right warning to the deadline; None without one.
        brier: Mean squared error of the probabilities that warnings gave, 0 at best; None without any.
    """

    nights: int
    warned: int
    right: int
    false_alarms: int
    misses: int
    not_foreseen: int
    precision: float | None
    recall: float | None
    lead_seconds: float | None
    brier: float | None


def accuracy(outcomes: Iterable[Outcome]) -> Accuracy:
    """Return how good the warnings were.

    Args:
        outcomes: Nights that are over: kept, or past their deadline.
    """
    nights = list(outcomes)
    warned = [night for night in nights if night.foreseen]
    right = [night for night in warned if night.missed]
    misses = sum(night.missed for night in nights)
    said = [(night.probability, not night.missed) for night in warned if night.probability is not None]
    return Accuracy(
        nights=len(nights),
        warned=len(warned),
        right=len(right),
        false_alarms=len(warned) - len(right),
        misses=misses,
        not_foreseen=misses - len(right),
        precision=len(right) / len(warned) if warned else None,
        recall=len(right) / misses if misses else None,
        lead_seconds=median(night.due_at - (night.warned_at or 0.0) for night in right) if right else None,
        brier=brier(said),
    )


def by_promise(outcomes: Iterable[Outcome]) -> dict[str, Accuracy]:
    """Return the accuracy of each promise, sorted by its id."""
    promises: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        promises.setdefault(outcome.promise_id, []).append(outcome)
    return {promise_id: accuracy(promises[promise_id]) for promise_id in sorted(promises)}


def brier(said: Sequence[tuple[float, bool]]) -> float | None:
    """Return the mean squared distance between probabilities and what came (1 kept, 0 missed); None for nothing said."""
    return fmean((probability - kept) ** 2 for probability, kept in said) if said else None


@dataclass(frozen=True)
class Bin:
    """Of all times that a probability near this was said: what was said on average, how often it came true, how many."""

    said: float
    came: float
    count: int


def reliability(said: Iterable[tuple[float, bool]], bins: int = 10) -> list[Bin]:
    """Return how probabilities compare with what came: good ones come as often as they say. Empty bins are left out."""
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for probability, kept in said:
        groups[min(bins - 1, int(probability * bins))].append((probability, kept))
    return [
        Bin(fmean(probability for probability, _ in group), fmean(kept for _, kept in group), len(group))
        for group in groups
        if group
    ]
