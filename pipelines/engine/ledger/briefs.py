"""Keys in brief, for whoever looks at thousands of them every few seconds: what says how a night stands, and which ones changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, null, or_, select

from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.schema import database_now, task_events, task_keys

OVERLAP_SECONDS = 60.0
"""An event gets its number before its transaction is over, and may be seen after one with a higher number. No transaction of the
ledger stands still for so long (`POSTGRES_PATIENCE_MS`)."""
TELLING = ("validate", "plan", "monitor", "promote")
"""Steps whose result says something of a night that their state does not."""
AT_ONCE = 500

_keys, _events = task_keys.c, task_events.c
_result = case((and_(_keys.step.in_(TELLING), _keys.state == "done"), _keys.result), else_=null())
_BRIEF = (
    _keys.key,
    _keys.pipeline,
    _keys.step,
    _keys.partition,
    _keys.state,
    _keys.claimed_at,
    _keys.finished_at,
    _keys.error,
)


class Brief(NamedTuple):
    """One key without what it was made of. Times are seconds since 1970 by the database's clock; `result` is of `TELLING` alone."""

    key: str
    pipeline: str
    step: str
    partition: str
    state: str
    claimed_at: float
    finished_at: float | None
    error: str | None
    result: dict[str, Any] | None


def briefs_of(database: Database, pipeline: str, *, claimed_since: float) -> list[Brief]:
    """Return a pipeline's keys that were claimed since then, in no particular order."""
    return _read(database, _keys.pipeline == pipeline, _keys.claimed_at >= claimed_since)


def briefs_of_night(database: Database, pipelines: Sequence[str], night: str, *, claimed_since: float) -> list[Brief]:
    """Return the keys, shards' included, of one night of some pipelines that were claimed since then."""
    shards = _keys.partition.startswith(f"{night}#", autoescape=True)
    mine = and_(_keys.partition >= night, or_(_keys.partition == night, shards))  # the range is there for the index
    found: list[Brief] = []
    for first in range(0, len(pipelines), AT_ONCE):
        some = _keys.pipeline.in_(pipelines[first : first + AT_ONCE])
        found += _read(database, some, mine, _keys.claimed_at >= claimed_since)
    return found


def _read(database: Database, *conditions: ColumnElement[bool]) -> list[Brief]:
    wanted = select(*_BRIEF, _result.label("telling")).where(*conditions)
    return [Brief(*row) for row in database.do(lambda connection: connection.execute(wanted).all())]


@dataclass
class Feed:
    """Says which nights something happened to since it was asked last; no event is told twice, and none is left out.

    Attributes:
        database: The ledger's.
    """

    database: Database
    _after: int | None = field(default=None, init=False)
    _told: set[int] = field(default_factory=set, init=False)

    def touched(self) -> set[tuple[str, str]] | None:
        """Return pipeline and night of keys that were claimed, finished or ended; None where that cannot be said: read all."""
        newest, now = self.database.do(
            lambda c: c.execute(select(select(func.max(_events.id)).scalar_subquery(), database_now())).one()
        )
        settled = now - OVERLAP_SECONDS
        if self._after is None or (newest or 0) < self._after:  # events that were forgotten may give their numbers away
            self._after, self._told = self._settled(settled), set()
            self._told = {number for number, *_ in self._events()}
            return None
        events = self._events()
        fresh = {
            (pipeline, partition.partition("#")[0])
            for number, _, pipeline, partition in events
            if number not in self._told
        }
        for number, at, *_ in events:
            if at >= settled:
                break
            self._after = number
        self._told = {number for number, *_ in events if number > self._after}
        return fresh

    def _settled(self, before: float) -> int:
        newest = select(_events.id).where(_events.at < before).order_by(_events.id.desc()).limit(1)
        return self.database.do(lambda connection: connection.scalar(newest)) or 0

    def _events(self) -> Sequence[Any]:
        wanted = (
            select(_events.id, _events.at, _keys.pipeline, _keys.partition)
            .join_from(task_events, task_keys, _events.key == _keys.key)
            .where(_events.id > self._after)
            .order_by(_events.id)
        )
        return self.database.do(lambda connection: connection.execute(wanted).all())
