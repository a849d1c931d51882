"""What is known about nights: read from the ledger's database, which needs nobody to be up but itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipelines.engine.clock import Clock
from pipelines.engine.ledger.observations import Observations, SeenRun, SeenTask
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.promises.cases import HISTORY_SECONDS
from pipelines.engine.promises.facts import Facts, NightFact, RunFact
from pipelines.engine.promises.reading import newest_night, night_facts, run_facts
from pipelines.engine.promises.values import Declaration

MOST_RUNS = 200
"""Of one DAG; the latest are what counts."""
Shown = Callable[[str, Sequence[str]], str | None]
"""Of some nights of a pipeline, the first that its table shows; None if it shows none of them."""


class Gathering:
    """Reads facts, and remembers the tasks of runs that are over.

    Args:
        ledger: Its keys say what was done.
        observations: What was heard of runs.
        shown: Asks a pipeline's table which of its newest nights it shows; None to believe the ledger.
    """

    def __init__(self, ledger: Ledger, observations: Observations, shown: Shown | None = None) -> None:
        self._ledger = ledger
        self._observations = observations
        self._shown = shown
        self._over: dict[tuple[str, str, float], list[SeenTask]] = {}

    def declarations(self, clock: Clock) -> tuple[list[Declaration], dict[str, float]]:
        """Return what the DAGs promise, and since when (by the clock that nights are in) they make each promise."""
        seen = self._observations.declarations()
        since = {promise_id: clock.shows(at) for one in seen for promise_id, at in one.since.items()}
        return [Declaration.from_json(one.content) for one in seen], since

    def facts(self, declarations: Sequence[Declaration], since: dict[str, float], clock: Clock) -> Facts:
        """Return what is known of the nights of some DAGs.

        Args:
            declarations: The DAGs.
            since: When each promise was first made; goes into the facts as it is.
            clock: Translates the ledger's time to the one that nights are in.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        runs = {declaration.dag_id: self._runs(declaration, clock) for declaration in declarations}
        nights: dict[tuple[str, str, str], NightFact] = {}
        newest: dict[str, tuple[str, float]] = {}
        for pipeline in sorted({declaration.pipeline for declaration in declarations if declaration.pipeline}):
            mine, latest = self._nights(pipeline, clock)
            nights |= mine
            if latest is not None:
                newest[pipeline] = latest
        return Facts(runs=runs, nights=nights, newest=newest, since=since)

    def _nights(
        self, pipeline: str, clock: Clock
    ) -> tuple[dict[tuple[str, str, str], NightFact], tuple[str, float] | None]:
        entries = self._ledger.entries(pipeline=pipeline, claimed_since=self._observations.now() - HISTORY_SECONDS)
        nights = night_facts(pipeline, entries, clock)
        published = sorted(
            (night for (_, kind, night), fact in nights.items() if kind == "scoring" and fact.published_at),
            reverse=True,
        )
        if self._shown is None or not published:
            return nights, newest_night(nights, entries, clock)
        shown = self._shown(pipeline, published)
        seen = {which: fact for which, fact in nights.items() if shown is not None and which[2] <= shown}
        return nights, newest_night(seen, entries, clock)

    def _runs(self, declaration: Declaration, clock: Clock) -> tuple[RunFact, ...]:
        since = self._observations.now() - HISTORY_SECONDS
        runs = self._observations.runs(declaration.dag_id, since=since, last=MOST_RUNS)
        return run_facts(declaration, runs, self._tasks(declaration.dag_id, runs), clock)

    def _tasks(self, dag_id: str, runs: Sequence[SeenRun]) -> list[SeenTask]:
        """A run that is over does not change until it is told of again."""
        known = {(dag_id, run.run_id, run.told_at) for run in runs if run.ended_at is not None}
        for stale in [key for key in self._over if key[0] == dag_id and key not in known]:
            del self._over[stale]
        asked = [run.run_id for run in runs if (dag_id, run.run_id, run.told_at) not in self._over]
        found: dict[str, list[SeenTask]] = {run_id: [] for run_id in asked}
        for task in self._observations.tasks(dag_id, asked) if asked else ():
            found[task.run_id].append(task)
        self._over |= {key: found[key[1]] for key in known if key[1] in found}
        return [
            task
            for run in runs
            for task in found.get(run.run_id) or self._over.get((dag_id, run.run_id, run.told_at), [])
        ]
