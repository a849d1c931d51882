"""What is known of runs: read whole once, and then those that were told of since, and those that are not over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nightshift.watch.nights import due
from pipelines.engine.clock import REAL, Clock
from pipelines.engine.ledger.briefs import OVERLAP_SECONDS
from pipelines.engine.ledger.observations import Observations, SeenRun, SeenTask
from pipelines.engine.promises.cases import HISTORY_SECONDS
from pipelines.engine.promises.facts import RunFact
from pipelines.engine.promises.reading import run_facts
from pipelines.engine.promises.values import Declaration

MOST_RUNS = 200
"""Of one DAG; the latest are what counts."""


@dataclass
class Runs:
    """What is known of a DAG's runs: by run, how it was told last, and what that means; nothing for one that does not count."""

    declaration: Declaration
    read_at: float
    told: dict[str, SeenRun] = field(default_factory=dict)
    facts: dict[str, tuple[RunFact, ...]] = field(default_factory=dict)
    latest: tuple[RunFact, ...] = ()


class KnownRuns:
    """Remembers the runs of DAGs.

    Args:
        observations: What was heard of runs.
    """

    def __init__(self, observations: Observations) -> None:
        self._observations = observations
        self._known: dict[str, Runs] = {}
        self._clock = REAL
        self._asked_at = 0.0

    def read(self, declarations: Sequence[Declaration], clock: Clock, now: float) -> dict[str, tuple[RunFact, ...]]:
        """Return the runs of some DAGs, by DAG, the latest told first.

        Args:
            declarations: Which; others are forgotten.
            clock: Translates the ledger's times.
            now: By the database's clock.
        """
        if clock != self._clock:
            self._known.clear()
        self._clock = clock
        wanted = {declaration.dag_id: declaration for declaration in declarations}
        kept = {dag_id: known for dag_id, known in self._known.items() if wanted.get(dag_id) == known.declaration}
        self._known = kept
        told = self._observations.runs_told(sorted(kept), since=self._asked_at - OVERLAP_SECONDS) if kept else []
        self._asked_at = now
        whole = (wanted.keys() - kept.keys()) | set(due(((known.read_at, name) for name, known in kept.items()), now))
        for dag_id in sorted(whole):
            self._known[dag_id] = Runs(wanted[dag_id], now)
            told += self._observations.runs(dag_id, since=now - HISTORY_SECONDS, last=MOST_RUNS)
        self._learn(told, now)
        return {dag_id: self._known[dag_id].latest for dag_id in wanted}

    def _learn(self, told: Sequence[SeenRun], now: float) -> None:
        anew = {(run.dag_id, run.run_id): run for run in told if self._known[run.dag_id].told.get(run.run_id) != run}
        for known in self._known.values():  # a run that is not over has tasks of which more was heard
            anew |= {
                (run.dag_id, run.run_id): run
                for run in known.told.values()
                if run.ended_at is None and (run.dag_id, run.run_id) not in anew
            }
        tasks: dict[tuple[str, str], list[SeenTask]] = {which: [] for which in anew}
        for task in self._observations.tasks_of(sorted(anew)):
            tasks[task.dag_id, task.run_id].append(task)
        for (dag_id, run_id), run in anew.items():
            known = self._known[dag_id]
            known.told[run_id] = run
            known.facts[run_id] = run_facts(known.declaration, [run], tasks[dag_id, run_id], self._clock)
        for dag_id in {dag_id for dag_id, _ in anew}:
            self._known[dag_id].latest = _latest(self._known[dag_id], now - HISTORY_SECONDS)


def _latest(known: Runs, since: float) -> tuple[RunFact, ...]:
    """Forget what is too old, or too much, and return the rest, the latest told first."""
    ordered = sorted(known.told.values(), key=lambda run: -run.told_at)
    counted = [run for run in ordered if run.told_at >= since or run.ended_at is None][:MOST_RUNS]
    known.told = {run.run_id: run for run in counted}
    known.facts = {run.run_id: known.facts[run.run_id] for run in counted}
    return tuple(fact for run in counted for fact in known.facts[run.run_id])
