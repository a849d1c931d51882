"""Each night minute by minute, with only what was known then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.promises.houses import MINUTE
from benchmarks.promises.months import WARM_UP, Month, Night
from benchmarks.promises.rivals import MeanDuration, NormalConfidence, Seer, WholeNights
from pipelines.engine.promises.facts import NightFact
from pipelines.engine.promises.history import PastRun, past_runs, progress_of

SEERS: tuple[str, ...] = ("Nightshift", "normal distribution", "mean duration")


@dataclass(frozen=True)
class Watched:
    """One night, as it was foreseen.

    Attributes:
        scenario: Of its month.
        name: The night.
        missed: Whether it was late in the end.
        due_at, finished_at: In seconds since its tick.
        said: By seer: the probability of keeping the promise, minute by minute from the tick until the night was
            finished or due.
    """

    scenario: str
    name: str
    missed: bool
    due_at: float
    finished_at: float
    said: dict[str, list[float]]


def watch(month: Month) -> list[Watched]:
    """Return the judged nights of a month as all seers saw them."""
    past = _past(month)
    return [_watch(month, month.nights[number], past[:number]) for number in range(WARM_UP, len(month.nights))]


def _past(month: Month) -> list[PastRun]:
    """All nights as history; which of them is known when is for the walk to say."""
    declaration = month.house.declaration
    nights: dict[tuple[str, str, str], NightFact] = {
        (declaration.pipeline or "", declaration.kind, night.name): NightFact(
            night.finished_at, night.rows, night.shards
        )
        for night in month.nights
    }
    ticks = {night.name: night.tick for night in month.nights}
    return past_runs(declaration, [night.run for night in month.nights], nights, ticks)


def _watch(month: Month, night: Night, past: Sequence[PastRun]) -> Watched:
    declaration = month.house.declaration
    seers: dict[str, Seer] = dict(
        zip(
            SEERS,
            (kind.of(declaration, past) for kind in (WholeNights, NormalConfidence, MeanDuration)),
            strict=True,
        )
    )
    said: dict[str, list[float]] = {name: [] for name in SEERS}
    now = night.tick
    while now < min(night.finished_at, night.due_at):
        run, known = night.at(now)
        progress = progress_of(declaration, run, known, night.tick, now)
        for name, seer in seers.items():
            said[name].append(seer.probability(progress, now, night.due_at))
        now += MINUTE
    return Watched(
        month.scenario, night.name, night.missed, night.due_at - night.tick, night.finished_at - night.tick, said
    )
