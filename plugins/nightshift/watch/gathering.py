"""What is known about nights: read from the ledger's database, which needs nobody to be up but itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nightshift.watch.nights import KnownNights, Nights
from nightshift.watch.runs import KnownRuns
from pipelines.engine.clock import Clock
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.promises.facts import Facts, NightFact
from pipelines.engine.promises.reading import newest_night
from pipelines.engine.promises.values import Declaration

Shown = Callable[[str, Sequence[str]], str | None]
"""Of some nights of a pipeline, the first that its table shows; None if it shows none of them."""


class Gathering:
    """Reads facts. What it has read it remembers, and asks only for what changed since.

    Args:
        ledger: Its keys say what was done.
        observations: What was heard of runs.
        shown: Asks a pipeline's table which of its newest nights it shows; None to believe the ledger.
    """

    def __init__(self, ledger: Ledger, observations: Observations, shown: Shown | None = None) -> None:
        self._observations = observations
        self._shown = shown
        self._nights = KnownNights(ledger)
        self._runs = KnownRuns(observations)
        self._declared: dict[tuple[str, float], tuple[Declaration, dict[str, float]]] = {}

    def declarations(self, clock: Clock) -> tuple[list[Declaration], dict[str, float]]:
        """Return what the DAGs promise, and since when (by the clock that nights are in) they make each promise."""
        stamps = self._observations.declared()
        self._declared = {stamp: self._declared[stamp] for stamp in stamps if stamp in self._declared}
        if len(self._declared) < len(stamps):
            for one in self._observations.declarations():
                if (one.dag_id, one.read_at) not in self._declared:
                    self._declared[one.dag_id, one.read_at] = (Declaration.from_json(one.content), one.since)
        known = sorted(self._declared.values(), key=lambda pair: pair[0].dag_id)
        since = {promise_id: clock.shows(at) for _, mine in known for promise_id, at in mine.items()}
        return [declaration for declaration, _ in known], since

    def facts(self, declarations: Sequence[Declaration], since: dict[str, float], clock: Clock) -> Facts:
        """Return what is known of the nights of some DAGs.

        Args:
            declarations: The DAGs.
            since: When each promise was first made; goes into the facts as it is.
            clock: Translates the ledger's time to the one that nights are in.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        now = self._observations.now()
        runs = self._runs.read(declarations, clock, now)
        pipelines = sorted({declaration.pipeline for declaration in declarations if declaration.pipeline})
        nights: dict[tuple[str, str, str], NightFact] = {}
        newest: dict[str, tuple[str, float]] = {}
        for pipeline, known in self._nights.read(pipelines, clock, now).items():
            nights |= known.facts
            latest = self._newest(pipeline, known, clock)
            if latest is not None:
                newest[pipeline] = latest
        return Facts(runs=runs, nights=nights, newest=newest, since=since)

    def _newest(self, pipeline: str, known: Nights, clock: Clock) -> tuple[str, float] | None:
        newest = newest_night(known.facts, known.published, clock)
        if self._shown is None or newest is None:
            return newest
        published = sorted(known.published, reverse=True)
        shown = self._shown(pipeline, published)
        if shown == newest[0]:
            return newest
        seen = {which: fact for which, fact in known.facts.items() if shown is not None and which[2] <= shown}
        return newest_night(seen, known.published, clock)
