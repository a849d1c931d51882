"""Run one task as Airflow's worker does: its own task runner, with a supervisor that lives in memory.

Templates, XComs, skips, retries and deferral are Airflow's. There is no server, no metadata database and no process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from uuid import uuid4

from airflow.sdk import DAG, XComArg
from airflow.sdk.api.datamodels._generated import DagRun, DagRunState, DagRunType, TIRunContext
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.execution_time import task_runner

from nightshift import listener
from nightshift.testing.errors import Killed
from nightshift.testing.outcomes import Claim, TaskOutcome
from nightshift.testing.present import present_house
from nightshift.testing.recording import recorded
from nightshift.testing.supervisor import Supervisor

LINK = "_link_"
RUN_ID = "in_memory"
_attempts: list[Callable[[], TaskOutcome]] = []


@dataclass(frozen=True)
class Run:
    """One run of a DAG, as its tasks see it.

    Attributes:
        dag_id: Of the DAG.
        partition_key: The night, or None.
        logical_date: Airflow's date of the run; None for a run of a partition.
        conf: What the run was triggered with; it fills in `params`.
        supervisor: Answers its tasks.
    """

    dag_id: str
    partition_key: str | None = None
    logical_date: datetime | None = None
    conf: Mapping[str, Any] | None = None
    supervisor: Supervisor = field(default_factory=Supervisor)

    def as_airflow_knows_it(self) -> DagRun:
        """Return the run as Airflow's API server describes it to a task."""
        now = right_now()
        dates = dict.fromkeys(("logical_date", "data_interval_start", "data_interval_end"), self.logical_date)
        return DagRun(
            dag_id=self.dag_id,
            run_id=RUN_ID,
            run_type=DagRunType.MANUAL,
            state=DagRunState.RUNNING,
            run_after=now,
            start_date=now,
            end_date=None,
            conf=dict(self.conf or {}),
            partition_key=self.partition_key,
            consumed_asset_events=[],
            **dates,
        )


def run_operator(
    operator: Any,
    *,
    partition_key: str | None = None,
    xcoms: Mapping[str, Any] | None = None,
    map_index: int = -1,
    try_number: int = 1,
    resumed_by: Mapping[str, Any] | None = None,
    resumed_in: str = "resume",
    logical_date: datetime | None = None,
    conf: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    connections: Mapping[str, str] | None = None,
) -> TaskOutcome:
    """Run one try of an operator, to its end or to its deferral.

    Args:
        operator: An operator, a task of a DAG, or what a `@task` function gave. One without a DAG gets one.
        partition_key: The run's, such as a night.
        xcoms: What other tasks returned, by task id; a list for a mapped task, with one value for each instance.
        map_index: Which instance of a mapped operator is run.
        try_number: Which try it is; Airflow gives up after `retries` + 1.
        resumed_by: The event of a trigger that fired: the operator goes on where it deferred.
        resumed_in: The method in which it goes on; that of our own operators by default.
        logical_date: Of the run; runs of partitions have none.
        conf: What the run was triggered with.
        variables: Airflow variables by name.
        connections: Airflow connections by id, each as a URI.

    Raises:
        TypeError: It is no operator.
    """
    task = as_task(operator)
    supervisor = Supervisor(variables, connections)
    for task_id, value in (xcoms or {}).items():
        _give(supervisor, task, task_id, value)
    run = Run(task.dag_id, partition_key, logical_date, conf, supervisor)
    resume = {"next_method": resumed_in, "next_kwargs": {"event": dict(resumed_by)}} if resumed_by is not None else {}
    return attempt(task, run, map_index=map_index, try_number=try_number, resume=resume)


def as_task(operator: Any) -> Any:
    """Return the operator inside of what an author has at hand, in a DAG.

    Raises:
        TypeError: It is none.
    """
    from airflow.sdk import BaseOperator

    task: Any = getattr(operator, "operator", None) if isinstance(operator, XComArg) else operator
    if not isinstance(task, BaseOperator | MappedOperator):
        raise TypeError(f"run_operator takes an operator, or what a @task function gave; got {operator!r:.200}.")
    if not task.has_dag():
        DAG("in_memory", schedule=None, start_date=datetime(2020, 1, 1, tzinfo=UTC)).add_task(task)
    return task


def attempt(
    task: Any,
    run: Run,
    *,
    map_index: int = -1,
    try_number: int = 1,
    resume: Mapping[str, Any] | None = None,
    reschedules: int = 0,
) -> TaskOutcome:
    """Run one try of a task instance, or what follows a deferral of it."""
    supervisor = run.supervisor
    supervisor.instance = f"{task.task_id}[{map_index}]"
    supervisor.began.setdefault(supervisor.instance, right_now())
    if not resume:
        supervisor.forget(task.task_id, map_index)
    told, keys_before = len(supervisor.messages), _keys()
    instance = _instance(task, run, map_index, try_number, reschedules, resume or {})
    lines: list[str] = []
    with recorded(lines) as log, _as_a_worker(supervisor), _repeatable(task, run, map_index, try_number):
        state, message, error = _run(instance, log)
    pushed = supervisor.pushed_by(task.task_id, map_index)
    return TaskOutcome(
        task_id=task.task_id,
        map_index=map_index,
        state=state,
        error=error,
        xcoms={name: value for name, value in pushed.items() if not name.startswith(LINK)},
        links={name.removeprefix(LINK): value for name, value in pushed.items() if name.startswith(LINK)},
        log=tuple(lines),
        claimed=_claimed(keys_before),
        assets=tuple(_assets(supervisor, told)),
        message=message,
        try_number=try_number,
        map_label=instance.rendered_map_index,
    )


def once_more() -> TaskOutcome:
    """Run the attempt that is running now a second time, inside of itself: a task that was delivered twice.

    Raises:
        IndexError: No attempt is running.
    """
    return _attempts[-1]()


def right_now() -> datetime:
    """Return the present time: the house's if one is open, else this machine's."""
    house = present_house()
    return house.clock.now() if house else datetime.now(UTC)


def _instance(
    task: Any, run: Run, map_index: int, try_number: int, reschedules: int, resume: Mapping[str, Any]
) -> task_runner.RuntimeTaskInstance:
    """Return the task instance as Airflow's worker makes it of what the API server says."""
    server = TIRunContext(
        dag_run=run.as_airflow_knows_it(),
        task_reschedule_count=reschedules,
        max_tries=task.retries,
        should_retry=try_number <= task.retries,
        **resume,
    )
    return task_runner.RuntimeTaskInstance.model_construct(
        id=uuid4(),
        task_id=task.task_id,
        dag_id=run.dag_id,
        run_id=RUN_ID,
        try_number=try_number,
        map_index=map_index,
        dag_version_id=uuid4(),
        task=task,
        bundle_instance=None,
        max_tries=task.retries,
        start_date=right_now(),
        _ti_context_from_server=server,
    )


def _run(instance: Any, log: Any) -> tuple[str, Any, BaseException | None]:
    context = instance.get_template_context()
    state, message, error = task_runner.run(instance, context, log)
    house = present_house()
    if house is not None:
        house.is_cut_off = False  # whoever looks at what a killed attempt left is another process
    if not isinstance(error, Killed):  # a process that is gone calls nobody back
        task_runner.finalize(instance, state, context, log, error)
    return str(state.value), message, error


@contextmanager
def _as_a_worker(supervisor: Supervisor) -> Iterator[None]:
    """Let Airflow's task runner speak to this supervisor, and put back what it changes in the process."""
    handler = signal.getsignal(signal.SIGTERM)
    with (
        mock.patch.object(task_runner, "SUPERVISOR_COMMS", supervisor, create=True),
        mock.patch.dict(os.environ),
        _untold(),
    ):
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, handler)


@contextmanager
def _untold() -> Iterator[None]:
    """Where no house is open, the ledger at hand may be the one of real nights: it is not told of tasks of a test."""
    if present_house() is not None:
        yield
        return
    with mock.patch.object(listener.teller, "tell", _to_nobody):
        yield


def _to_nobody(_: object) -> None:
    """Say nothing."""


@contextmanager
def _repeatable(task: Any, run: Run, map_index: int, try_number: int) -> Iterator[None]:
    # The second delivery has a memory of its own: what it returns must not be taken for what the first one returned.
    copy = Supervisor(run.supervisor.variables, run.supervisor.connections)
    copy.xcoms = dict(run.supervisor.xcoms)
    again = Run(run.dag_id, run.partition_key, run.logical_date, run.conf, copy)
    _attempts.append(lambda: attempt(task, again, map_index=map_index, try_number=try_number))
    try:
        yield
    finally:
        _attempts.pop()


def _give(supervisor: Supervisor, task: Any, task_id: str, value: Any) -> None:
    source = task.dag.task_dict.get(task_id)
    if isinstance(source, MappedOperator) and isinstance(value, list):
        for index, one in enumerate(value):
            supervisor.give(task_id, "return_value", one, index)
    else:
        supervisor.give(task_id, "return_value", value)


def _keys() -> dict[str, int]:
    house = present_house()
    return {entry.key: entry.fence for entry in house.ledger.entries()} if house else {}


def _claimed(before: Mapping[str, int]) -> tuple[Claim, ...]:
    house = present_house()
    entries = house.ledger.entries() if house else []
    fresh = [entry for entry in reversed(entries) if entry.fence != before.get(entry.key)]
    return tuple(Claim(entry.step, entry.partition, entry.key, entry.fence, entry.state) for entry in fresh)


def _assets(supervisor: Supervisor, since: int) -> Iterator[str]:
    for message in supervisor.sent("SucceedTask", since):
        yield from (outlet.name or outlet.uri or "" for outlet in message.task_outlets or [])
