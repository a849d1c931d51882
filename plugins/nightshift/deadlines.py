"""Promises as Airflow's own deadlines: shown in its UI, and a second pair of eyes beside the watch.

A deadline that passes asks the watch's judge: whether anything is late, and what is told of it, is decided in one place.
The built-in references break on clear, alert at once for every old night and need a logical date; `PromisedTime` does not:
it counts from the night, and answers nothing for nights that are backfilled and for those that were due before they began.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import DAG
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert

from nightshift.timetables import schedule_of
from pipelines.engine.promises.declare import said
from pipelines.engine.promises.schedule import due_at, tick_of
from pipelines.engine.promises.values import Declaration, Promise, PromiseKind
from pipelines.engine.replay import read_clock
from pipelines.engine.settings import read_settings

if TYPE_CHECKING:
    from airflow.models import DagRun
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
ASK_SECONDS = 60.0
ASK_TIMES = 3
MOST_WAIT_SECONDS = 900.0
"""Runs that stood in the queue for longer are the watch's business alone."""
A_MOMENT = 0.5
DAY = timedelta(days=1).total_seconds()


@dataclass
class PromisedTime(BaseDeadlineReference):
    """When a promise is due for the night that a run works on. Every field has a default because Airflow wants it so."""

    kind: PromiseKind = "succeed"
    at: str | None = None
    within_seconds: float | None = None
    timezone: str = "UTC"
    backfills: bool = False

    required_kwargs: ClassVar[set[str]] = {"dag_id", "run_id"}

    @classmethod
    def of(cls, promise: Promise) -> PromisedTime:
        """Return the reference of a promise about a whole run or a table."""
        return cls(promise.kind, promise.at, promise.within_seconds, promise.timezone, promise.backfills)

    def promise(self, dag_id: str) -> Promise:
        """Return the promise again."""
        return Promise(self.kind, dag_id, None, self.at, self.within_seconds, self.timezone, self.backfills)

    def serialize_reference(self) -> dict[str, Any]:
        """Return it as JSON values, as Airflow keeps it."""
        return {
            "reference_type": self.reference_name,
            "kind": self.kind,
            "at": self.at,
            "within_seconds": self.within_seconds,
            "timezone": self.timezone,
            "backfills": self.backfills,
        }

    @classmethod
    def deserialize_reference(cls, reference_data: dict[str, Any]) -> PromisedTime:
        """Read what `serialize_reference` gave, of this version or another."""
        return cls(**{name: reference_data[name] for name in cls.__dataclass_fields__ if name in reference_data})

    def _evaluate_with(self, *, session: Session, dag_id: str, run_id: str) -> datetime | None:
        """Answer Airflow, which asks when it has made a run.

        Whatever goes wrong here would keep the run from being made: a deadline is never worth that.
        """
        from airflow.models import DagRun
        from sqlalchemy import select

        try:
            run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
            return None if run is None else self._due(run, session)
        except Exception:
            log.warning("%s of %s has no deadline in Airflow; the watch judges it", run_id, dag_id, exc_info=True)
            return None

    def _due(self, run: DagRun, session: Session) -> datetime | None:
        if run.run_type == "backfill" and not self.backfills:
            return None
        clock, promise = read_clock(read_settings()), self.promise(run.dag_id)
        now = datetime.now(UTC).timestamp()
        tick = run.run_after.timestamp() if run.run_type in ("scheduled", "backfill") else None
        if run.partition_key and run.run_type != "scheduled":
            tick = tick_of(_schedule_in(session, run.dag_id), run.partition_key) or tick
        if self.kind == "finish_by" and tick is None:
            return None  # a run that no clock asked for is due at no time of day
        due = due_at(promise, tick=tick, began=clock.shows(now))
        if due is None or clock.ledger_time(due) <= now:
            return None
        return datetime.fromtimestamp(clock.ledger_time(due), UTC)


class PromiseAlert(DeadlineAlert):
    """A promise, as `DAG(deadline=...)` takes it."""

    def __init__(self, promise: Promise) -> None:
        super().__init__(
            reference=PromisedTime.of(promise),
            interval=timedelta(0),
            # In the triggerer: a callback in a worker would wait for a free one on just the nights when there is none.
            callback=AsyncCallback(ask_the_watch, kwargs={"kind": promise.kind}),
            name=said(promise),
        )

    def promise(self, dag_id: str) -> Promise:
        """Return the promise, as one of this DAG."""
        return self.reference.promise(dag_id)  # type: ignore[attr-defined,no-any-return]


async def ask_the_watch(context: dict[str, Any], kind: PromiseKind, **_: object) -> str:
    """Let the watch's judge look at the DAG whose deadline passed. Airflow's triggerer calls this.

    Airflow counts from when it made the run, the judge from when the run began: what is due a little later is asked again
    then. Waiting costs nothing here. It never raises: the watch looks by itself every few seconds.

    Args:
        context: What Airflow says of the run.
        kind: Which promise of the DAG was due.

    Returns:
        What came of it, for Airflow's record of the callback.
    """
    run = context["dag_run"]
    try:
        for _again in range(ASK_TIMES):
            state, wait = await asyncio.wait_for(
                asyncio.to_thread(_judge, run["dag_id"], run["dag_run_id"], kind), ASK_SECONDS
            )
            if wait is None or wait > MOST_WAIT_SECONDS:
                break
            await asyncio.sleep(wait + A_MOMENT)
    except Exception as error:
        log.warning("a deadline of %s passed, but the judge could not be asked: %s", run["dag_id"], error)
        return f"not judged: {error}"
    return f"judged: {state}"


def _judge(dag_id: str, run_id: str, kind: PromiseKind) -> tuple[str, float | None]:
    """Return how the promise stands for the run, and in how many seconds it will be due if it is not yet."""
    from nightshift.watch.turn import judge_now

    settings = read_settings()
    turn = judge_now(settings, dag_id)
    for verdict in turn.verdicts:
        if verdict.promise_id == f"{dag_id}/{kind}" and verdict.run_id == run_id:
            coming = verdict.state in ("pending", "at_risk") and verdict.due_at is not None
            left = (verdict.due_at or 0.0) - turn.now
            return verdict.state, max(0.0, left) / read_clock(settings).speed if coming else None
    return "nothing to say", None


def _schedule_in(session: Session, dag_id: str) -> Declaration:
    from airflow.models.serialized_dag import SerializedDagModel

    stored = SerializedDagModel.get(dag_id, session=session)
    return Declaration(dag_id) if stored is None else schedule_of(dag_id, stored.dag.timetable)


def repair_dag_test() -> None:
    """Let `dag.test()` run DAGs that make promises.

    Airflow 3.3.2 reads a DAG's deadlines twice in there: as rows of its database when the run succeeds, and as plain values
    from the copy of the DAG that it made without storing it. It looks for a row whose id is such a value, fails with
    `'dict' object has no attribute 'hex'`, and leaves the run `running`. While such a run is tried out at a desk nobody
    waits for it, so our DAGs have no deadline meanwhile. DAGs without a promise of ours are not touched.
    """
    original = DAG.test
    if hasattr(original, "keeps_promises_out"):
        return

    @functools.wraps(original)
    def test(self: DAG, *args: Any, **arguments: Any) -> Any:
        deadlines = self.deadline
        if not any(isinstance(alert, PromiseAlert) for alert in deadlines or ()):  # type: ignore[union-attr]
            return original(self, *args, **arguments)
        self.deadline = None
        try:
            return original(self, *args, **arguments)
        finally:
            self.deadline = deadlines

    test.keeps_promises_out = True  # type: ignore[attr-defined]
    DAG.test = test  # type: ignore[method-assign]


repair_dag_test()
