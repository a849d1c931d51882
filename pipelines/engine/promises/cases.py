"""What the judge looks at: each night of a DAG, with what is known of it and of the nights before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cache

from pipelines.engine.promises.facts import Facts, NightFact, RunFact
from pipelines.engine.promises.forecast import forecast
from pipelines.engine.promises.history import PastRun, past_runs, progress_of
from pipelines.engine.promises.schedule import due_at, night_of, tick_of, ticks
from pipelines.engine.promises.values import Declaration, Promise
from pipelines.engine.promises.verdicts import Forecast, Verdict

REACH_SECONDS = 7 * 86_400.0
"""Older nights are only looked at while an incident about them is open."""
HISTORY_SECONDS = 90 * 86_400.0
"""Older runs say little about tonight."""
SLOWEST_START_SECONDS = 15.0
"""A scheduler takes some seconds to start a run, whatever was promised."""


@dataclass(frozen=True)
class Case:
    """One night of a DAG.

    Attributes:
        declaration: The DAG.
        night: Which.
        tick: When it should have begun; None for a night that no clock asked for.
        run: The run that says most about it, if there is one.
        known: What the ledger's keys say of it.
        past: Tells of earlier runs that went through; only a night that is on its way is held against them.
        now: When it is looked at.
        slowest_start: So many seconds after its tick it is not called absent yet.
        expected: Whether anybody waits for its run, if there is none.
    """

    declaration: Declaration
    night: str
    tick: float | None
    run: RunFact | None
    known: NightFact
    past: Callable[[], Sequence[PastRun]] = field(repr=False)
    now: float
    slowest_start: float = SLOWEST_START_SECONDS
    expected: bool = True

    @property
    def began(self) -> float | None:
        """When its run began."""
        return self.run.started_at if self.run is not None else None

    @property
    def finished_at(self) -> float | None:
        """When it was first through: published by whoever, or its run succeeded."""
        if self.known.published_at is not None:
            return self.known.published_at
        return self.run.ended_at if self.run is not None and self.run.state == "success" else None

    @property
    def failed(self) -> bool:
        """Whether the last that was heard of it is that it failed."""
        if self.run is None or self.run.state != "failed":
            return False
        return self.finished_at is None or (self.run.ended_at or 0.0) > self.finished_at

    def due_at(self, promise: Promise) -> float | None:
        """Return when a promise is due for it; None if at no time, or if that is not known yet."""
        if promise.kind == "finish_by" and self.tick is None:
            return None
        return due_at(promise, tick=self.tick, began=self.began)

    def forecast(self, due: float, *, delivers: str | None) -> Forecast | None:
        """Return when a task of it (None: all) will be over, if earlier nights can tell."""
        progress = progress_of(self.declaration, self.run, self.known, self.tick, self.now)
        past = [one for one in self.past() if one.night != self.night]
        return forecast(self.declaration.tasks, past, progress, now=self.now, due_at=due, delivers=delivers)

    def verdict(self, promise_id: str, state: str, **details: object) -> Verdict:
        """Return a verdict about it."""
        run_id = self.run.run_id if self.run is not None else None
        return Verdict(promise_id, self.declaration.dag_id, self.night, state, run_id=run_id, **details)  # type: ignore[arg-type]


def cases_of(
    declaration: Declaration, facts: Facts, now: float, wanted: Collection[str], slowest_start: float
) -> list[Case]:
    """Return the nights that were due to begin, and those of other runs.

    Args:
        declaration: The DAG.
        facts: What is known.
        now: Seconds since 1970, by the clock that the nights are in.
        wanted: Nights to look at, however old they are.
        slowest_start: So many seconds after its tick no night is called absent yet.
    """
    runs = facts.runs.get(declaration.dag_id, ())
    expected = not declaration.starts_paused or any(run.kind == "scheduled" for run in runs)
    due = {night_of(declaration, tick): tick for tick in ticks(declaration, now - REACH_SECONDS, now)}
    due |= {night: tick for night in wanted if (tick := tick_of(declaration, night)) is not None}

    @cache
    def past() -> list[PastRun]:
        earlier = ticks(declaration, now - HISTORY_SECONDS, now) if runs else ()
        begun = {night_of(declaration, tick): tick for tick in earlier}
        return past_runs(declaration, runs, facts.nights, begun)

    latest: dict[str, RunFact] = {}
    for run in sorted(runs, key=_last_heard):
        if run.night in wanted or (run.ended_at or now) >= now - REACH_SECONDS:
            latest[run.night] = _more_telling(latest.get(run.night), run)
    return [
        Case(
            declaration,
            night,
            due.get(night),
            latest.get(night),
            facts.nights.get((declaration.pipeline or "", declaration.kind, night), NightFact()),
            past,
            now,
            slowest_start,
            expected,
        )
        for night in {**due, **latest}
    ]


def _last_heard(run: RunFact) -> float:
    return run.started_at or 0.0


def _more_telling(one: RunFact | None, other: RunFact) -> RunFact:
    """Of two runs of a night: the later one, but a backfill says nothing beside a run that is none."""
    return one if one is not None and other.kind == "backfill" and one.kind != "backfill" else other
