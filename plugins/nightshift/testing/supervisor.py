"""What a task asks of Airflow, answered from memory: XComs, variables, connections, and what is only written down.

A task speaks to its supervisor in messages, and the supervisor to the API server. Here both are one object with a few
dictionaries. A question that it has no answer for is said to be not implemented, rather than answered with a guess.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from airflow.sdk.exceptions import ErrorType
from airflow.sdk.execution_time import comms

Where = tuple[str, int, str]
"""Task, map index and name of an XCom."""

SILENT = (
    "SetRenderedFields",
    "SetRenderedMapIndex",
    "SucceedTask",
    "TaskState",
    "RetryTask",
    "DeferTask",
    "RescheduleTask",
    "AwaitInputTask",
    "SkipDownstreamTasks",
    "ClearTaskStateStore",
    "MaskSecret",
)
"""Messages that want no answer; whoever runs the task reads them."""


class Supervisor:
    """The memory of one run of a DAG.

    Args:
        variables: Airflow variables by name; what is no text is given as JSON.
        connections: Airflow connections by id, each as a URI.
    """

    def __init__(
        self,
        variables: Mapping[str, Any] | None = None,
        connections: Mapping[str, str] | None = None,
    ) -> None:
        self.messages: list[Any] = []
        self.xcoms: dict[Where, Any] = {}
        self.variables = {name: _text(value) for name, value in (variables or {}).items()}
        self.connections = dict(connections or {})
        self.counts: dict[str, int] = {}
        self.kept: dict[tuple[str, str], Any] = {}
        self.began: dict[str, datetime] = {}
        self.instance = ""
        """Who is running now: its things are kept between its tries."""

    def send(self, msg: Any) -> Any:
        """Answer a message, as Airflow's own supervisor would."""
        self.messages.append(msg)
        kind = type(msg).__name__
        if kind in SILENT:
            return None
        answer = ANSWERS.get(kind)
        if answer is None:
            raise NotImplementedError(
                f"a task asked Airflow for {kind}, which has no answer in memory. Test this task with `dag.test()`, "
                "which has a database."
            )
        return answer(self, msg)

    async def asend(self, msg: Any) -> Any:
        """Answer a message of asynchronous code."""
        return self.send(msg)

    def give(self, task_id: str, name: str, value: Any, map_index: int = -1) -> None:
        """Let an XCom be there that no task pushed."""
        from airflow.sdk.serde import serialize

        self.xcoms[task_id, map_index, name] = json.loads(json.dumps(serialize(value)))

    def pushed_by(self, task_id: str, map_index: int) -> dict[str, Any]:
        """Return the XComs of a task instance, as another task gets them."""
        from airflow.sdk.serde import deserialize

        mine = {
            name: value for (task, index, name), value in self.xcoms.items() if (task, index) == (task_id, map_index)
        }
        return {name: deserialize(json.loads(json.dumps(value))) for name, value in mine.items()}

    def forget(self, task_id: str, map_index: int) -> None:
        """Remove the XComs of a task instance, as Airflow does before each try."""
        for where in [where for where in self.xcoms if where[:2] == (task_id, map_index)]:
            del self.xcoms[where]

    def _sequence(self, task_id: str, name: str) -> list[Any]:
        found = sorted(
            (index, value) for (task, index, key), value in self.xcoms.items() if (task, key) == (task_id, name)
        )
        return [value for _, value in found]

    def _set_xcom(self, msg: Any) -> None:
        index = -1 if msg.map_index is None else msg.map_index
        self.xcoms[msg.task_id, index, msg.key] = json.loads(json.dumps(msg.value))

    def _delete_xcom(self, msg: Any) -> None:
        self.xcoms.pop((msg.task_id, -1 if msg.map_index is None else msg.map_index, msg.key), None)

    def _get_xcom(self, msg: Any) -> Any:
        index = -1 if msg.map_index is None else msg.map_index
        return comms.XComResult(key=msg.key, value=self.xcoms.get((msg.task_id, index, msg.key)))

    def _get_xcom_count(self, msg: Any) -> Any:
        return comms.XComCountResponse(len=len(self._sequence(msg.task_id, msg.key)))

    def _get_xcom_sequence_item(self, msg: Any) -> Any:
        values = self._sequence(msg.task_id, msg.key)
        if not -len(values) <= msg.offset < len(values):
            return comms.ErrorResponse(error=ErrorType.XCOM_NOT_FOUND)
        return comms.XComSequenceIndexResult(root=values[msg.offset])

    def _get_xcom_sequence_slice(self, msg: Any) -> Any:
        values = self._sequence(msg.task_id, msg.key)
        return comms.XComSequenceSliceResult(root=values[slice(msg.start, msg.stop, msg.step)])

    def _get_variable(self, msg: Any) -> Any:
        if msg.key not in self.variables:
            return comms.ErrorResponse(error=ErrorType.VARIABLE_NOT_FOUND, detail={"key": msg.key})
        return comms.VariableResult(key=msg.key, value=self.variables[msg.key])

    def _put_variable(self, msg: Any) -> Any:
        self.variables[msg.key] = _text(msg.value)
        return comms.OKResponse(ok=True)

    def _get_connection(self, msg: Any) -> Any:
        from airflow.sdk import Connection

        uri = self.connections.get(msg.conn_id)
        if uri is None:
            return comms.ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND, detail={"conn_id": msg.conn_id})
        known = Connection.from_uri(uri, conn_id=msg.conn_id)
        names = ("conn_type", "host", "schema", "login", "password", "port", "extra")
        return comms.ConnectionResult(conn_id=known.conn_id, **{name: getattr(known, name) for name in names})

    def _validate_inlets_and_outlets(self, msg: Any) -> Any:
        return comms.InactiveAssetsResult(inactive_assets=[])

    def _get_ti_count(self, msg: Any) -> Any:
        return comms.TICount(count=sum(self.counts.get(task_id, 0) for task_id in msg.task_ids or []))

    def _get_task_state_store(self, msg: Any) -> Any:
        if (self.instance, msg.key) not in self.kept:
            return comms.ErrorResponse(error=ErrorType.TASK_STORE_NOT_FOUND)
        return comms.TaskStateStoreResult(value=self.kept[self.instance, msg.key])

    def _set_task_state_store(self, msg: Any) -> Any:
        self.kept[self.instance, msg.key] = msg.value
        return comms.OKResponse(ok=True)

    def _delete_task_state_store(self, msg: Any) -> Any:
        self.kept.pop((self.instance, msg.key), None)
        return comms.OKResponse(ok=True)

    def _get_task_reschedule_start_date(self, msg: Any) -> Any:
        return comms.TaskRescheduleStartDate(start_date=self.began.get(self.instance))

    def _get_prev_successful_dag_run(self, msg: Any) -> Any:
        return comms.PrevSuccessfulDagRunResult()

    def _trigger_dag_run(self, msg: Any) -> Any:
        return comms.OKResponse(ok=True)

    def _create_hitl_detail_payload(self, msg: Any) -> Any:
        return comms.HITLDetailRequestResult(**msg.model_dump(exclude={"type"}))

    def sent(self, kind: str, since: int = 0) -> Iterator[Any]:
        """Yield the messages of a kind."""
        return (message for message in self.messages[since:] if type(message).__name__ == kind)


ANSWERS: dict[str, Callable[[Supervisor, Any], Any]] = {
    "SetXCom": Supervisor._set_xcom,  # noqa: SLF001
    "DeleteXCom": Supervisor._delete_xcom,  # noqa: SLF001
    "GetXCom": Supervisor._get_xcom,  # noqa: SLF001
    "GetXComCount": Supervisor._get_xcom_count,  # noqa: SLF001
    "GetXComSequenceItem": Supervisor._get_xcom_sequence_item,  # noqa: SLF001
    "GetXComSequenceSlice": Supervisor._get_xcom_sequence_slice,  # noqa: SLF001
    "GetVariable": Supervisor._get_variable,  # noqa: SLF001
    "PutVariable": Supervisor._put_variable,  # noqa: SLF001
    "GetConnection": Supervisor._get_connection,  # noqa: SLF001
    "ValidateInletsAndOutlets": Supervisor._validate_inlets_and_outlets,  # noqa: SLF001
    "GetTICount": Supervisor._get_ti_count,  # noqa: SLF001
    "GetTaskStateStore": Supervisor._get_task_state_store,  # noqa: SLF001
    "SetTaskStateStore": Supervisor._set_task_state_store,  # noqa: SLF001
    "DeleteTaskStateStore": Supervisor._delete_task_state_store,  # noqa: SLF001
    "GetTaskRescheduleStartDate": Supervisor._get_task_reschedule_start_date,  # noqa: SLF001
    "GetPrevSuccessfulDagRun": Supervisor._get_prev_successful_dag_run,  # noqa: SLF001
    "TriggerDagRun": Supervisor._trigger_dag_run,  # noqa: SLF001
    "CreateHITLDetailPayload": Supervisor._create_hitl_detail_payload,  # noqa: SLF001
}
"""How each question is answered."""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
