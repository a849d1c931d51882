"""Ledgers as earlier versions left them: tables of an old revision, with rows put in by SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, MetaData, Table, inspect, select

from pipelines.engine.ledger.database import connect, transaction
from pipelines.engine.ledger.migrate import migrate

KEY = {
    "pipeline": "flights",
    "step": "publish",
    "partition": "2013-11-01",
    "identity": {"inputs": {"rows": "abc"}, "text": "ünïcode"},
    "payload_digest": "d" * 64,
    "payload": None,
    "fence": 3,
    "generation": 2,
    "holder": "machine:1:a",
    "taken_from": "",
    "claimed_at": 1_700_000_000.125,
    "lease_until": 1_700_000_060.125,
    "error": None,
    "finished_at": None,
    "result": None,
}
KEYS = [
    {**KEY, "key": "a" * 64, "state": "done", "finished_at": 1_700_000_010.5, "result": {"rows_in": 3, "mean": 0.1}},
    {**KEY, "key": "b" * 64, "state": "failed", "error": "no space"},
    {**KEY, "key": "c" * 64, "state": "claimed", "step": "score"},
    {**KEY, "key": "d" * 64, "state": "open", "step": "register"},
]
EVENT = {"at": 1_700_000_010.5, "fence": 3, "generation": 2, "holder": "machine:1:a"}
EVENTS = [
    {**EVENT, "key": "a" * 64, "event": "claimed", "detail": {}},
    {**EVENT, "key": "a" * 64, "event": "finished", "detail": {"rows_in": 3}},
    {**EVENT, "key": "b" * 64, "event": "failed", "detail": {"reason": "no space"}},
]
INCIDENT = {
    "id": "e" * 32,
    "promise_id": "flights_scoring/finish_by",
    "dag_id": "flights_scoring",
    "night": "2013-11-01",
    "owner": "flight-science",
    "state": "late",
    "alert": "late",
    "severity": "critical",
    "version": 2,
    "opened_at": 1_700_000_100.0,
    "changed_at": 1_700_000_200.0,
    "verdict": {"state": "late"},
}
OLD_ROWS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "0001": {"task_keys": KEYS, "task_events": EVENTS},
    "0003": {
        "incidents": [INCIDENT],
        "incident_events": [{"incident_id": "e" * 32, "at": 1.5, "event": "opened", "by": "watch", "detail": {}}],
        "outcomes": [{"promise_id": "p", "night": "n", "dag_id": "d", "outcome": "late", "due_at": 1.0}],
        "silences": [{"matches": "flights", "since": 1.0, "until": 2.0, "by": "ada", "reason": "known"}],
        "outbox": [
            {
                "incident_id": "e" * 32,
                "occasion": "opened",
                "route": "mail",
                "message": {"text": "late"},
                "written_at": 1.0,
                "due_at": 1.0,
                "attempts": 0,
                "state": "waiting",
                "holder": "",
                "lease_until": 0.0,
            }
        ],
        "dag_runs": [{"dag_id": "d", "run_id": "r", "kind": "manual", "state": "running", "told_at": 1.0}],
        "task_runs": [
            {
                "dag_id": "d",
                "run_id": "r",
                "task_id": "t",
                "map_index": -1,
                "state": "running",
                "try_number": 1,
                "started_at": 1.0,
                "told_at": 1.0,
            }
        ],
        "declarations": [{"dag_id": "d", "content": {"a": 1}, "since": {}, "read_at": 1.0}],
        "heartbeats": [{"name": "watch", "at": 1.0, "detail": {}}],
    },
}
"""By the revision that brought their tables."""


def live_in(url: str, revision: str) -> None:
    """Make the tables of a revision, and put everything into them that it has a place for."""
    migrate(url, to=revision)
    with transaction(connect(url)) as connection:
        for since, tables in OLD_ROWS.items():
            for name, rows in tables.items() if since <= revision else ():
                connection.execute(_table(connection, name).insert(), rows)


def remembered(url: str, names: list[str] | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, but for the revision's own."""
    with transaction(connect(url)) as connection:
        found = names or [name for name in inspect(connection).get_table_names() if "version" not in name]
        tables = {name: _table(connection, name) for name in found}
        return {
            name: sorted(map(tuple, connection.execute(select(table)).all()), key=str) for name, table in tables.items()
        }


def _table(connection: Connection, name: str) -> Table:
    return Table(name, MetaData(), autoload_with=connection)
