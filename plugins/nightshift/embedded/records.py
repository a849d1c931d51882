"""What we read from Airflow's REST API, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

FINISHED = frozenset({"success", "failed"})
"""States that a DAG run does not leave by itself."""


@dataclass(frozen=True, slots=True)
class Dag:
    """One DAG that the dag-processor has read."""

    dag_id: str
    file: str
    paused: bool
    parsed_at: datetime | None
    partitioned: bool


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """A DAG file that cannot be imported."""

    file: str
    text: str
    seen_at: datetime | None

    @property
    def reason(self) -> str:
        """The last line of the traceback."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        return lines[-1].strip() if lines else "unknown"


@dataclass(frozen=True, slots=True)
class DagRun:
    """One run of a DAG. `created`: it was made by the very call that returned it."""

    dag_id: str
    run_id: str
    state: str
    run_type: str
    partition_key: str | None
    started_at: datetime | None
    ended_at: datetime | None
    created: bool = False

    @property
    def finished(self) -> bool:
        """Whether it ended, well or not."""
        return self.state in FINISHED

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.state == "success"


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """One task in one run; `map_index` is -1 unless it is mapped."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    started_at: datetime | None
    ended_at: datetime | None


def dag_of(answer: Mapping[str, Any]) -> Dag:
    """A DAG from its REST form."""
    return Dag(
        dag_id=answer["dag_id"],
        file=answer.get("relative_fileloc") or answer.get("fileloc") or "",
        paused=bool(answer["is_paused"]),
        parsed_at=_moment(answer.get("last_parsed_time")),
        partitioned=bool(answer.get("timetable_partitioned")),
    )


def import_problem_of(answer: Mapping[str, Any]) -> ImportProblem:
    """An import error from its REST form."""
    return ImportProblem(answer["filename"], answer["stack_trace"] or "", _moment(answer.get("timestamp")))


def dag_run_of(answer: Mapping[str, Any], *, created: bool = False) -> DagRun:
    """A run from its REST form."""
    return DagRun(
        dag_id=answer["dag_id"],
        run_id=answer["dag_run_id"],
        state=answer["state"],
        run_type=answer["run_type"],
        partition_key=answer.get("partition_key"),
        started_at=_moment(answer.get("start_date")),
        ended_at=_moment(answer.get("end_date")),
        created=created,
    )


def task_instance_of(answer: Mapping[str, Any]) -> TaskInstance:
    """A task instance from its REST form."""
    return TaskInstance(
        task_id=answer["task_id"],
        map_index=answer["map_index"],
        state=answer["state"],
        try_number=answer["try_number"],
        started_at=_moment(answer.get("start_date")),
        ended_at=_moment(answer.get("end_date")),
    )


def log_text(answer: Mapping[str, Any]) -> str:
    """A task's log as lines of `time level event key=value`."""
    content = answer.get("content") or []
    if isinstance(content, str):
        return content
    return "\n".join(line if isinstance(line, str) else _log_line(line) for line in content)


def _log_line(line: Mapping[str, Any]) -> str:
    known = ("timestamp", "level", "event")
    rest = {key: value for key, value in line.items() if key not in known and key not in _NOISE}
    words = [str(line[key]) for key in known if line.get(key)]
    return " ".join([*words, *(f"{key}={value}" for key, value in rest.items())])


_PLACE = {"logger", "filename", "lineno", "loc"}
_TASK = {"dag_id", "task_id", "run_id", "map_index", "try_number", "ti_id"}
_NOISE = _PLACE | _TASK
"""Fields that say where a line comes from, which whoever asked for the log knows."""


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def backfill_range(first: date, last: date, timezone: ZoneInfo) -> tuple[datetime, datetime]:
    """The `from` and `to` of a backfill that covers exactly the nights `first` to `last`, both included.

    Airflow takes the ticks t with from < t <= to, so both ends lie one second before a local midnight.
    """
    second = timedelta(seconds=1)
    start = datetime.combine(first, time(), timezone)
    end = datetime.combine(last + timedelta(days=1), time(), timezone)
    return start - second, end - second
