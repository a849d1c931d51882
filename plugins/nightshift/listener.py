"""Tells the ledger of every run and task of Airflow, so that the watch need not ask Airflow, which may be what is broken.

Airflow calls this in the process where a thing happens: tasks in their own, runs in the scheduler. Nothing may come of it
there: it never raises, and a ledger that does not answer is asked once and then left alone for a while. What could not be
told meanwhile is told with the next thing that can be.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from airflow.listeners import hookimpl

from pipelines.engine.errors import LedgerNotMigrated, LedgerUnavailable

if TYPE_CHECKING:
    from airflow.models import DagRun

    from pipelines.engine.ledger.observations import Observations

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 2.0
QUIET_SECONDS = 30.0
"""How long a ledger that did not answer is left alone: the scheduler waits at most 2 seconds in 30."""
KEPT = 1000
"""Things that are remembered meanwhile; the oldest are forgotten."""
AT_A_DESK = "dag_test"
"""Who asks for the runs of `dag.test()`: nobody waits for them, so nobody is told."""
KINDS = ("scheduled", "manual", "backfill", "asset_triggered")
OVER = ("success", "failed")
LATER = (LedgerUnavailable, LedgerNotMigrated)

Word = Callable[["Observations"], None]


class Teller:
    """Says things to the ledger, or keeps them for later; one for each process.

    Args:
        open_ledger: Opens the ledger; called when the first thing is told.
        clock: Seconds that never run backwards.
    """

    def __init__(self, open_ledger: Callable[[], Observations], clock: Callable[[], float] = time.monotonic) -> None:
        self._open = open_ledger
        self._clock = clock
        self._waiting: deque[Word] = deque(maxlen=KEPT)
        self._quiet_until = float("-inf")
        self._process = os.getpid()

    def tell(self, word: Word) -> None:
        """Say a thing, after those that wait. Never raises, and takes some two seconds at the most."""
        if self._process != os.getpid():  # a fork: what the parent keeps is the parent's to tell
            self._process, self._quiet_until = os.getpid(), float("-inf")
            self._waiting.clear()
        self._waiting.append(word)
        if self._clock() < self._quiet_until:
            return
        began = self._clock()
        try:
            observations = self._open()
            while self._waiting and self._clock() - began < PATIENCE_SECONDS:
                self._waiting[0](observations)
                self._waiting.popleft()
        except LATER as error:
            self._quiet_until = self._clock() + QUIET_SECONDS
            _warn(error)
        except Exception as error:  # this one cannot be told, and must not stand in the way of the others
            if self._waiting:
                self._waiting.popleft()
            _warn(error)


def _warn(error: Exception) -> None:
    said = str(error).strip().splitlines() or [type(error).__name__]
    log.warning("the ledger was not told how this stands, so the watch may not know: %s", said[0])


def _open_ledger() -> Observations:
    from pipelines.engine.settings import read_settings

    return _observations(read_settings().ledger_url)


@lru_cache(maxsize=1)
def _observations(url: str) -> Observations:
    """The ledger, which keeps the statements that it has compiled, and no connection: a fork may use it, too."""
    from pipelines.engine.ledger.observations import Observations

    # No second try: whoever waits here is a task, or Airflow's scheduler.
    return Observations(url, patience=0.0, stall=PATIENCE_SECONDS)


teller = Teller(_open_ledger)


class TaskInstance(Protocol):
    """What Airflow's two kinds of task instances have in common."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int | None
    try_number: int
    state: Any


@hookimpl
def on_dag_run_running(dag_run: DagRun, msg: str) -> None:
    """Tell that a run began."""
    _tell_run(dag_run, "running")


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    """Tell that a run went through."""
    _tell_run(dag_run, "success")


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """Tell that a run failed."""
    _tell_run(dag_run, "failed")


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: TaskInstance) -> None:
    """Tell that a try of a task began, or that a deferred one goes on."""
    _tell_task(task_instance, "running")


@hookimpl
def on_task_instance_success(previous_state: Any, task_instance: TaskInstance) -> None:
    """Tell that a task is done."""
    _tell_task(task_instance, "success")


@hookimpl
def on_task_instance_skipped(previous_state: Any, task_instance: TaskInstance) -> None:
    """Tell that a task found that there is nothing to do."""
    _tell_task(task_instance, "skipped")


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: TaskInstance, error: Any) -> None:
    """Tell that a try of a task failed; whether another one follows is in its state."""
    again = _word(task_instance.state) == "up_for_retry"
    _tell_task(task_instance, "up_for_retry" if again else "failed")


def _tell_run(run: DagRun, state: str) -> None:
    try:
        if run.triggering_user_name == AT_A_DESK:
            return
        dag_id, run_id, kind = run.dag_id, run.run_id, _word(run.run_type)
        about: dict[str, Any] = {
            "state": state,
            "kind": kind if kind in KINDS else "manual",
            "partition_key": run.partition_key,
            "run_after": run.run_after.timestamp() if run.run_after else None,
        }
    except Exception:
        log.warning("the ledger was not told of a run: it has not the form that Airflow 3.3 gives it", exc_info=True)
        return
    teller.tell(lambda ledger: ledger.tell_run(dag_id, run_id, **about))
    if state in OVER and (skipped := _skipped(run)):
        teller.tell(lambda ledger: ledger.tell_skipped(dag_id, run_id, skipped))


def _skipped(run: DagRun) -> list[tuple[str, int]]:
    """Task instances that were passed over without being started: by a branch, a trigger rule, or for want of input."""
    from airflow.models import TaskInstance as Row
    from sqlalchemy import select
    from sqlalchemy.orm import object_session

    wanted = select(Row.task_id, Row.map_index).where(
        Row.dag_id == run.dag_id, Row.run_id == run.run_id, Row.state == "skipped"
    )
    try:
        session = object_session(run)
        if session is None:
            return []
        with session.no_autoflush:
            return [(row.task_id, row.map_index) for row in session.execute(wanted.limit(KEPT))]
    except Exception as error:
        log.warning("which tasks of %s were passed over is not known: %s", run.run_id, error)
        return []


def _tell_task(instance: TaskInstance, state: str) -> None:
    try:
        if _is_at_a_desk(instance):
            return
        dag_id, run_id, task_id = instance.dag_id, instance.run_id, instance.task_id
        map_index = -1 if instance.map_index is None else instance.map_index
        tries = instance.try_number
    except Exception:
        log.warning("the ledger was not told of a task: it has not the form that Airflow 3.3 gives it", exc_info=True)
        return
    # A task tells of its own beginning, on the machine that works: `nightshift doctor` holds its clock against the database's.
    told: dict[str, Any] = {"state": state, "try_number": tries, "machine": socket.gethostname()}
    teller.tell(lambda ledger: ledger.tell_task(dag_id, run_id, task_id, map_index, **told))


def _is_at_a_desk(instance: Any) -> bool:
    if hasattr(instance, "get_template_context") and hasattr(instance, "task"):
        run = instance.get_template_context().get("dag_run")
    else:
        run = getattr(instance, "dag_run", None)  # a row of Airflow's database, in the scheduler or the API
    return getattr(run, "triggering_user_name", None) == AT_A_DESK


def _word(value: Any) -> str:
    return str(getattr(value, "value", value))
