"""What the ledger's tables hold, by SQL through the databases' own drivers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

KEYS = "SELECT key, step, partition, state, fence, generation, identity, result, finished_at FROM task_keys"
EVENTS = "SELECT key, event, fence, generation, at FROM task_events ORDER BY id"


@dataclass(frozen=True)
class Key:
    """One row of `task_keys`."""

    key: str
    step: str
    partition: str
    state: str
    fence: int
    generation: int
    identity: dict[str, Any]
    result: dict[str, Any] | None
    finished_at: float | None

    @property
    def night(self) -> str:
        """The night, without the number of a shard."""
        return self.partition.partition("#")[0]


@dataclass(frozen=True)
class Event:
    """One row of `task_events`."""

    key: str
    event: str
    fence: int
    generation: int
    at: float


@dataclass(frozen=True)
class Book:
    """All that a ledger holds."""

    keys: Sequence[Key]
    events: Sequence[Event]

    def published(self, night: str) -> Key | None:
        """Return the last finished publication of a night, or None."""
        done = [key for key in self.keys if key.step == "publish" and key.night == night and key.state == "done"]
        return max(done, key=lambda key: key.finished_at or 0.0, default=None)


def read_ledger(url: str) -> Book:
    """Read a ledger at `sqlite:///FILE` or `postgresql://...`."""
    keys, events = _rows(url, KEYS), _rows(url, EVENTS)
    return Book([_key(row) for row in keys], [Event(*row) for row in events])


def _key(row: tuple[Any, ...]) -> Key:
    key, step, partition, state, fence, generation, identity, result, finished_at = row
    return Key(key, step, partition, state, fence, generation, _json(identity) or {}, _json(result), finished_at)


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    import psycopg2

    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _json(value: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(value) if isinstance(value, str) else value
    return found
