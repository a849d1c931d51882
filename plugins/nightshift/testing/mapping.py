"""How many instances a mapped task has, asked of what the tasks before it returned."""

from __future__ import annotations

import math
from typing import Any
from unittest import mock

from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.execution_time import task_runner

from nightshift.testing.supervisor import Supervisor


def instances_of(task: MappedOperator, supervisor: Supervisor, run_id: str) -> int:
    """Return how many instances a mapped task has; 0 if there is nothing to map over."""
    asking = _Asking(task, supervisor, run_id)
    given = task._get_specified_expand_input()  # noqa: SLF001 - Airflow has no public word for it
    values: Any = given.value
    with mock.patch.object(task_runner, "SUPERVISOR_COMMS", supervisor, create=True):
        if isinstance(given, DictOfListsExpandInput):
            return math.prod(_length(value, asking) for value in values.values())
        return _length(values, asking)


def _length(value: Any, asking: _Asking) -> int:
    found = value.resolve({"ti": asking}) if hasattr(value, "resolve") else value
    return len(found or ())


class _Asking:
    """As much of a task instance as it takes to look up an XCom."""

    def __init__(self, task: Any, supervisor: Supervisor, run_id: str) -> None:
        self.task, self.task_id, self.dag_id, self.run_id, self.map_index = task, task.task_id, task.dag_id, run_id, -1
        self._supervisor = supervisor

    def xcom_pull(self, *, task_ids: str, key: str, default: Any = None, **_: Any) -> Any:
        return self._supervisor.pushed_by(task_ids, -1).get(key, default)
