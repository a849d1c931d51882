"""What the ledger's history may lose, and how.

Keys decide whether work is done, so no key is ever removed: fences and generations never begin again, and a finished
night can never run again. Events only tell what happened. An old one may go unless it is the last finish of its key or
its key is held. The database's own triggers refuse everything else, and everything while `forgetting` is empty; its one
row lives and dies inside the transaction that removes events, so nobody else ever sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, not_, or_, select

from pipelines.engine.ledger.schema import database_now, forgetting, task_events, task_keys

YOUNGEST_SECONDS = 7 * 86_400.0
"""What is younger is never removed; the triggers hold the same number."""
AT_ONCE = 5_000
"""Events of one transaction: claims and heartbeats of others get in between."""


@dataclass(frozen=True)
class OldEvents:
    """Events that may go: how many, and when the oldest was written, by the database's clock."""

    number: int
    oldest: float | None


def count_old(connection: Connection, older_than: float, pipelines: Sequence[str] | None) -> OldEvents:
    """Count the events that may go."""
    wanted = select(func.count(), func.min(task_events.c.at)).where(_may_go(older_than, pipelines))
    return OldEvents(*connection.execute(wanted).one())


def forget_some(connection: Connection, older_than: float, pipelines: Sequence[str] | None) -> int:
    """Remove up to `AT_ONCE` events that may go, the oldest first, and return how many that were."""
    connection.execute(insert(forgetting).values(older_than=older_than))
    some = select(task_events.c.id).where(_may_go(older_than, pipelines)).order_by(task_events.c.id).limit(AT_ONCE)
    removed = connection.execute(delete(task_events).where(task_events.c.id.in_(some.scalar_subquery()))).rowcount
    connection.execute(delete(forgetting))
    return removed


def _may_go(older_than: float, pipelines: Sequence[str] | None) -> ColumnElement[bool]:
    later, key = task_events.alias(), task_keys.c
    is_last_finish = and_(
        task_events.c.event == "finished",
        not_(
            exists().where(later.c.key == task_events.c.key, later.c.event == "finished", later.c.id > task_events.c.id)
        ),
    )
    is_held = exists().where(key.key == task_events.c.key, key.state == "claimed", key.lease_until > database_now())
    conditions = [
        task_events.c.at < older_than,
        task_events.c.at < database_now() - YOUNGEST_SECONDS,
        not_(or_(is_last_finish, is_held)),
    ]
    if pipelines is not None:
        conditions.append(exists().where(key.key == task_events.c.key, key.pipeline.in_(pipelines)))
    return and_(*conditions)
