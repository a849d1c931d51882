"""The ledger's tables, and the database's own clock."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import JSON

metadata = MetaData()
REVISION = "0002"
"""The migration that these tables belong to; a test holds it against the newest one."""
VERSION_TABLE = "nightshift_ledger_version"

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
