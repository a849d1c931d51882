"""What was heard of DAGs, their runs and their tasks, so that nobody has to ask Airflow: it may be what is broken."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, and_, case, func, insert, literal, null, or_, select, update

from pipelines.engine.ledger.database import Database, insert_into
from pipelines.engine.ledger.schema import dag_runs, database_now, declarations, heartbeats, task_runs

Value = TypeVar("Value")
AT_ONCE = 500
RUNS_AT_ONCE = 100
"""DAGs, and runs, that are asked for in one statement."""


@dataclass(frozen=True)
class SeenRun:
    """One run of a DAG as it was told last.

    Times are seconds since 1970 by the database's clock, but `run_after`, which is Airflow's own.
    """

    dag_id: str
    run_id: str
    partition_key: str | None
    run_after: float | None
    kind: str
    state: str
    started_at: float | None
    ended_at: float | None
    told_at: float


@dataclass(frozen=True)
class SeenTask:
    """One task instance as it was told last; `started_at` is of its first try since the run began or was cleared."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    state: str
    try_number: int
    started_at: float
    ended_at: float | None
    told_at: float


@dataclass(frozen=True)
class SeenDeclaration:
    """One DAG's declaration as JSON, and since when it makes each of its promises (by promise id)."""

    dag_id: str
    content: dict[str, Any]
    since: dict[str, float]
    read_at: float
    gone_at: float | None


@dataclass(frozen=True)
class SeenClock:
    """What a machine's own clock showed (`own`) at a time by the database's clock (`at`); both in seconds since 1970."""

    machine: str
    own: float
    at: float


CLOCK = "clock "
CLOCKS = 256
"""Rows that remember machines' clocks at most: where machines come and go, such as pods, new ones take the rows of old ones."""
CLOCK_SECONDS = 600.0
"""How old what is known of a machine's clock becomes before it is told again."""


class Observations(Database):
    """What was heard, in the ledger's database.

    Args:
        url: Of the ledger.
        patience: For how many seconds an operation tries again while the database does not answer. Whoever tells of a task
            from within the task keeps it short: what is not told costs a forecast, not a night.
        stall: For how many seconds one attempt may wait for a connection or a lock.
    """

    def tell_run(
        self, dag_id: str, run_id: str, *, state: str, kind: str, partition_key: str | None, run_after: float | None
    ) -> None:
        """Remember how a run stands now. One that runs again after its end begins anew."""
        now = database_now()
        ended = state in ("success", "failed")
        fresh = {"partition_key": partition_key, "run_after": run_after, "kind": kind, "state": state, "told_at": now}
        values = {**fresh, "started_at": now, "ended_at": now if ended else None}
        again = and_(dag_runs.c.ended_at.is_not(null()), literal(state == "running"))
        changed = {
            **fresh,
            "started_at": case((again, now), else_=func.coalesce(dag_runs.c.started_at, now)),
            "ended_at": now if ended else None,
        }
        self._upsert(dag_runs, {"dag_id": dag_id, "run_id": run_id}, values, changed)

    def tell_task(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        map_index: int,
        *,
        state: str,
        try_number: int,
        machine: str | None = None,
    ) -> None:
        """Remember how a task instance stands now. One that runs again after its end begins anew; a retry does not.

        Args:
            dag_id: Whose task it is.
            run_id: In which run.
            task_id: Which.
            map_index: Of a mapped task, else -1.
            state: As Airflow has it.
            try_number: Counted from 1.
            machine: The one that tells this: what its clock shows is remembered, too.
        """
        now = database_now()
        ended = state in ("success", "failed", "skipped")
        fresh = {"state": state, "try_number": try_number, "told_at": now}
        values = {**fresh, "started_at": now, "ended_at": now if ended else None}
        again = and_(task_runs.c.ended_at.is_not(null()), literal(state == "running"))
        changed = {
            **fresh,
            "started_at": case((again, now), else_=task_runs.c.started_at),
            "ended_at": now if ended else None,
        }
        key = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}

        def write(connection: Connection) -> None:
            _upsert(connection, task_runs, key, values, changed)
            if machine is not None and state == "running":
                _tell_clock(connection, machine)

        self.do(write)

    def clocks(self, *, since: float) -> list[SeenClock]:
        """Return what the machines' clocks showed when they told of a task last, of those that did so since then."""
        wanted = select(heartbeats.c.at, heartbeats.c.detail).where(
            heartbeats.c.name.startswith(CLOCK), heartbeats.c.at >= since
        )
        rows = self.do(lambda connection: connection.execute(wanted).all())
        return [SeenClock(row.detail["machine"], row.detail["own"], row.at) for row in rows]

    def longest_task_seconds(self, *, since: float) -> float | None:
        """Return how long the longest task took that ended since then at its first try; None if there was none."""
        took = func.max(task_runs.c.ended_at - task_runs.c.started_at)
        wanted = select(took).where(task_runs.c.ended_at >= since, task_runs.c.try_number <= 1)
        longest: float | None = self.do(lambda connection: connection.scalar(wanted))
        return longest

    def tell_skipped(self, dag_id: str, run_id: str, skipped: Sequence[tuple[str, int]]) -> None:
        """Remember task instances (task id, map index) that were passed over without ever being started.

        Nobody tells of them one by one: they are known when their run is over.
        """
        now = database_now()
        values = {"state": "skipped", "try_number": 0, "told_at": now, "started_at": now, "ended_at": now}
        rows = [
            {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index, **values}
            for task_id, map_index in skipped
        ]

        def write(connection: Connection) -> None:
            connection.execute(insert_into(connection.dialect.name, task_runs).values(rows).on_conflict_do_nothing())

        if rows:
            self.do(write)

    def runs(self, dag_id: str, *, since: float, last: int = 200) -> list[SeenRun]:
        """Return runs of a DAG that were told of since then, and those that are not over; the latest told first."""
        told = or_(dag_runs.c.told_at >= since, dag_runs.c.ended_at.is_(null()))
        wanted = (
            select(dag_runs).where(dag_runs.c.dag_id == dag_id, told).order_by(dag_runs.c.told_at.desc()).limit(last)
        )
        return [SeenRun(**row) for row in self.do(lambda c: c.execute(wanted).mappings().all())]

    def runs_told(self, dag_ids: Sequence[str], *, since: float) -> list[SeenRun]:
        """Return runs of some DAGs that were told of since then, in no particular order."""
        found: list[SeenRun] = []
        for some in _chunks(dag_ids, AT_ONCE):
            wanted = select(dag_runs).where(dag_runs.c.dag_id.in_(some), dag_runs.c.told_at >= since)
            found += [SeenRun(*row) for row in self._rows(wanted)]
        return found

    def tasks(self, dag_id: str, run_ids: Sequence[str]) -> list[SeenTask]:
        """Return what was heard of the tasks of some runs of a DAG."""
        return self.tasks_of([(dag_id, run_id) for run_id in run_ids])

    def tasks_of(self, runs: Sequence[tuple[str, str]]) -> list[SeenTask]:
        """Return what was heard of the tasks of some runs.

        Args:
            runs: Pairs of DAG and run.
        """
        found: list[SeenTask] = []
        for some in _chunks(runs, RUNS_AT_ONCE):  # pairs themselves would make SQLite read the whole table
            dag_ids, run_ids = (sorted({pair[place] for pair in some}) for place in (0, 1))
            wanted = select(task_runs).where(task_runs.c.dag_id.in_(dag_ids), task_runs.c.run_id.in_(run_ids))
            meant = set(some)
            found += [SeenTask(*row) for row in self._rows(wanted) if (row.dag_id, row.run_id) in meant]
        return found

    def declare(self, found: Sequence[dict[str, Any]], *, files: Sequence[str] | None = None) -> list[str]:
        """Remember what DAG files declare, and since when they make each promise.

        Args:
            found: Declarations as JSON; see `pipelines.engine.promises.values.Declaration`.
            files: The files that were read: what they declared before and do not any more is gone. None: all files.

        Returns:
            The DAGs whose declaration is new, changed, or gone.
        """
        return self.do(lambda connection: _declare(connection, found, files))

    def declarations(self, *, gone: bool = False) -> list[SeenDeclaration]:
        """Return the declarations, by DAG; with `gone` also those that no file makes any more."""
        wanted = select(declarations).order_by(declarations.c.dag_id)
        if not gone:
            wanted = wanted.where(declarations.c.gone_at.is_(null()))
        return [SeenDeclaration(**row) for row in self.do(lambda c: c.execute(wanted).mappings().all())]

    def declared(self) -> list[tuple[str, float]]:
        """Return the DAGs that are declared, and when each declaration was read."""
        wanted = select(declarations.c.dag_id, declarations.c.read_at).where(declarations.c.gone_at.is_(null()))
        return [(dag_id, read_at) for dag_id, read_at in self._rows(wanted)]

    def beat(self, name: str, detail: dict[str, Any]) -> None:
        """Say that a process of this name is alive."""
        values = {"at": database_now(), "detail": detail}
        self._upsert(heartbeats, {"name": name}, values, values)

    def heartbeat(self, name: str) -> tuple[float, dict[str, Any]] | None:
        """Return when a process of this name was alive last, and what it said then."""
        wanted = select(heartbeats.c.at, heartbeats.c.detail).where(heartbeats.c.name == name)
        found = self.do(lambda connection: connection.execute(wanted).one_or_none())
        return None if found is None else (found.at, found.detail)

    def _rows(self, wanted: Select[Any]) -> Sequence[Any]:
        return self.do(lambda connection: connection.execute(wanted).all())

    def _upsert(self, table: Table, key: dict[str, Any], values: dict[str, Any], changed: dict[str, Any]) -> None:
        self.do(lambda connection: _upsert(connection, table, key, values, changed))


def _upsert(
    connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any], changed: dict[str, Any]
) -> None:
    statement = insert_into(connection.dialect.name, table).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed))


def _tell_clock(connection: Connection, machine: str) -> None:
    """Remember what this machine's clock shows, unless that was done a moment ago."""
    values = {"at": database_now(), "detail": {"machine": machine, "own": time.time()}}
    name = f"{CLOCK}{zlib.crc32(machine.encode()) % CLOCKS}"
    statement = insert_into(connection.dialect.name, heartbeats).values(name=name, **values)
    old = heartbeats.c.at < database_now() - CLOCK_SECONDS
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values, where=old))


def _chunks(values: Sequence[Value], most: int) -> Iterator[Sequence[Value]]:
    return (values[first : first + most] for first in range(0, len(values), most))


def _declare(connection: Connection, found: Sequence[dict[str, Any]], files: Sequence[str] | None) -> list[str]:
    now = connection.scalar(select(database_now()))
    known = {row.dag_id: row for row in connection.execute(select(declarations).with_for_update()).all()}
    changed = []
    for content in found:
        dag_id, before = content["dag_id"], known.get(content["dag_id"])
        # Gone is not forgotten: a file that cannot be read for a minute makes no promise younger.
        old = before.since if before is not None else {}
        since = {promise_id: old.get(promise_id, now) for promise_id in _promise_ids(content)}
        values = {"content": content, "since": {**old, **since}, "read_at": now, "gone_at": None}
        if before is None:
            connection.execute(insert(declarations).values(dag_id=dag_id, **values))
        else:
            connection.execute(update(declarations).where(declarations.c.dag_id == dag_id).values(**values))
        if before is None or before.gone_at is not None or before.content != content:
            changed.append(dag_id)
    still = {content["dag_id"] for content in found}
    for dag_id, before in known.items():
        in_files = files is None or before.content.get("file") in files
        if dag_id not in still and before.gone_at is None and in_files:
            connection.execute(update(declarations).where(declarations.c.dag_id == dag_id).values(gone_at=now))
            changed.append(dag_id)
    return sorted(changed)


def _promise_ids(content: dict[str, Any]) -> list[str]:
    from pipelines.engine.promises.values import Declaration

    return [promise.id for promise in Declaration.from_json(content).promises]
