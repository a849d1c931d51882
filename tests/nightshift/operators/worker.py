"""Run one operator as Airflow's worker does, with a supervisor that lives in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest import mock
from uuid import uuid4

import structlog
from airflow.sdk import DAG
from airflow.sdk.api.datamodels._generated import DagRun, DagRunState, DagRunType, TIRunContext
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import InactiveAssetsResult, SetXCom, ValidateInletsAndOutlets
from airflow.sdk.serde import deserialize

NOW = datetime(2024, 3, 6, 7, tzinfo=UTC)


class Supervisor:
    """Keeps every message of a task, and answers the only question that our tasks ask."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send(self, msg: Any) -> Any:
        self.messages.append(msg)
        return InactiveAssetsResult(inactive_assets=[]) if isinstance(msg, ValidateInletsAndOutlets) else None

    @property
    def xcoms(self) -> dict[str, Any]:
        return {message.key: message.value for message in self.messages if isinstance(message, SetXCom)}


@dataclass
class Ran:
    """How a task ended."""

    state: str
    message: Any
    error: BaseException | None
    xcoms: dict[str, Any]

    @property
    def result(self) -> Any:
        return self.xcoms.get("return_value")


def in_dag(kind: type, **arguments: Any) -> Any:
    """Make an operator inside a DAG, as an author does."""
    with DAG("tides_scoring", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)):
        return kind(task_id="step", pipeline="tides", retries=3, **arguments)


def run_task(task: Any, *, partition_key: str | None = "2024-03-06", resumed_by: dict[str, Any] | None = None) -> Ran:
    """Run a task once, to its end or to its deferral; `resumed_by` is the event of a trigger that fired."""
    run = DagRun(
        dag_id=task.dag_id,
        run_id="manual",
        run_type=DagRunType.MANUAL,
        state=DagRunState.RUNNING,
        run_after=NOW,
        start_date=NOW,
        partition_key=partition_key,
        consumed_asset_events=[],
        **dict.fromkeys(("logical_date", "data_interval_start", "data_interval_end", "end_date")),
    )
    resume = {"next_method": "resume", "next_kwargs": {"event": resumed_by}} if resumed_by else {}
    ti = task_runner.RuntimeTaskInstance.model_construct(
        id=uuid4(),
        task_id=task.task_id,
        dag_id=task.dag_id,
        run_id="manual",
        try_number=1,
        map_index=-1,
        dag_version_id=uuid4(),
        task=task,
        bundle_instance=None,
        max_tries=3,
        start_date=NOW,
        _ti_context_from_server=TIRunContext(
            dag_run=run, task_reschedule_count=0, max_tries=3, should_retry=True, **resume
        ),
    )
    supervisor, log = Supervisor(), structlog.get_logger("task")
    with mock.patch.object(task_runner, "SUPERVISOR_COMMS", supervisor, create=True):
        context = ti.get_template_context()
        state, message, error = task_runner.run(ti, context, log)
        task_runner.finalize(ti, state, context, log, error)
    # There and back again, as through Airflow's database.
    xcoms = {name: deserialize(json.loads(json.dumps(value))) for name, value in supervisor.xcoms.items()}
    return Ran(state.value, message, error, xcoms)
