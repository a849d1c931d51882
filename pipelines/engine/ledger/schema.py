"""The ledger's tables, and the database's own clock."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import JSON

metadata = MetaData()
REVISION = "0005"
"""The migration that these tables belong to; a test holds it against the newest one."""
VERSION_TABLE = "nightshift_ledger_version"


def _only(condition: str) -> dict[str, Any]:
    """Return the arguments of an index that holds some rows alone."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


task_keys = Table(
    "task_keys",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("pipeline", String(100), nullable=False),
    Column("step", String(100), nullable=False),
    Column("partition", String(200), nullable=False),
    Column("identity", JSON, nullable=False),
    Column("payload_digest", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("state", String(10), nullable=False),  # claimed, done, failed, open
    Column("fence", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("holder", String(200), nullable=False),
    Column("taken_from", String(200), nullable=False),  # the holder whose lease had run out, or empty
    Column("claimed_at", Float(53), nullable=False),  # times are seconds since 1970 by the database's clock
    Column("lease_until", Float(53), nullable=False),
    Column("finished_at", Float(53)),
    Column("result", JSON),
    Column("error", Text),
    Index("task_keys_partition", "pipeline", "partition", "step"),
    # What the overview asks for: few rows among many, so that only these pay for being found.
    Index("task_keys_published", "partition", **_only("step = 'publish'")),
    Index("task_keys_unfinished", "partition", **_only("state <> 'done'")),
    Index("task_keys_champions", "pipeline", **_only("step IN ('register', 'promote', 'move')")),
)

task_events = Table(
    "task_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False),
    Column("at", Float(53), nullable=False),
    Column("event", String(20), nullable=False),  # claimed, taken_over, finished, failed, released, forced
    Column("fence", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("holder", String(200), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("task_events_key", "key", "id"),
)

forgetting = Table(
    "forgetting",
    metadata,
    Column(
        "older_than", Float(53), nullable=False
    ),  # which events may go; empty but inside the transaction that does it
)


declarations = Table(
    "declarations",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("content", JSON, nullable=False),
    Column("since", JSON, nullable=False),  # by promise id: when it was first made
    Column("read_at", Float(53), nullable=False),
    Column("gone_at", Float(53)),  # its file does not declare it any more
)

dag_runs = Table(
    "dag_runs",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("partition_key", String(250)),
    Column("run_after", Float(53)),  # when it was due to begin: the tick, for a scheduled run
    Column("kind", String(20), nullable=False),  # scheduled, manual, backfill, asset_triggered
    Column("state", String(20), nullable=False),  # running, success, failed
    Column("started_at", Float(53)),
    Column("ended_at", Float(53)),
    Column("told_at", Float(53), nullable=False),
    Index("dag_runs_told", "dag_id", "told_at"),
)

task_runs = Table(
    "task_runs",
    metadata,
    Column("dag_id", String(250), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("task_id", String(250), primary_key=True),
    Column("map_index", Integer, primary_key=True),
    Column("state", String(20), nullable=False),
    Column("try_number", Integer, nullable=False),
    Column("started_at", Float(53), nullable=False),  # of the first try
    Column("ended_at", Float(53)),
    Column("told_at", Float(53), nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", String(32), primary_key=True),  # made of promise and night: there can be no second one
    Column("promise_id", String(600), nullable=False),
    Column("dag_id", String(250), nullable=False),
    Column("night", String(250), nullable=False),
    Column("owner", String(250), nullable=False),
    Column("state", String(20), nullable=False),  # at_risk, late, absent, failed, stale, noticed, resolved
    Column("alert", String(30), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("version", Integer, nullable=False),  # grows with each change; whoever changes an older one has lost a race
    Column("opened_at", Float(53), nullable=False),
    Column("changed_at", Float(53), nullable=False),
    Column("told_at", Float(53)),  # when the last message about it was written
    Column("due_at", Float(53)),
    Column("resolved_at", Float(53)),
    Column("acknowledged_at", Float(53)),
    Column("acknowledged_by", String(200)),
    Column("escalated_at", Float(53)),
    Column("verdict", JSON, nullable=False),
    Index("incidents_open", "resolved_at", "opened_at"),
)

incident_events = Table(
    "incident_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident_id", String(32), nullable=False),
    Column("at", Float(53), nullable=False),
    Column(
        "event", String(20), nullable=False
    ),  # a state, or acknowledged, escalated, held_back, reopened, closed, told
    Column("by", String(200), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("incident_events_incident", "incident_id", "id"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("promise_id", String(600), primary_key=True),
    Column("night", String(250), primary_key=True),
    Column("dag_id", String(250), nullable=False),
    Column("outcome", String(10), nullable=False),  # on_time, late; a late night never becomes one that was in time
    Column("due_at", Float(53), nullable=False),
    Column("finished_at", Float(53)),
    Index("outcomes_dag", "dag_id", "due_at"),
)

silences = Table(
    "silences",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("matches", String(600), nullable=False),  # a DAG, a promise, or an incident
    Column("since", Float(53), nullable=False),
    Column("until", Float(53), nullable=False),
    Column("by", String(200), nullable=False),
    Column("reason", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident_id", String(32), nullable=False),
    Column("occasion", String(60), nullable=False),  # what is told, once for each route: late, resolved, escalated ...
    Column("route", String(200), nullable=False),
    Column("message", JSON, nullable=False),
    Column("written_at", Float(53), nullable=False),
    Column("due_at", Float(53), nullable=False),  # of the next attempt
    Column("attempts", Integer, nullable=False),
    Column("state", String(10), nullable=False),  # waiting, sending, sent, given_up
    Column("holder", String(200), nullable=False),
    Column("lease_until", Float(53), nullable=False),
    Column("sent_at", Float(53)),
    Column("error", Text),
    UniqueConstraint("incident_id", "occasion", "route", name="outbox_once"),
    Index("outbox_due", "state", "due_at"),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(100), primary_key=True),  # watch
    Column("at", Float(53), nullable=False),
    Column("detail", JSON, nullable=False),
)


class database_now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function that it is
    """The time in seconds since 1970, by the clock of the database server; never the worker's."""

    type = Float()
    inherit_cache = True


@compiles(database_now, "postgresql")
def _postgres_now(element: object, compiler: object, **_: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


@compiles(database_now, "sqlite")
def _sqlite_now(element: object, compiler: object, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"
