"""The statements of a claim's life, built once: SQLAlchemy takes longer to build one anew than a database to answer it."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Float, Insert, Update, and_, bindparam, case, insert, or_, update

from pipelines.engine.ledger.database import insert_into
from pipelines.engine.ledger.schema import database_now, task_events, task_keys

LEASE = bindparam("the_lease", type_=Float)
HOLDER = bindparam("the_holder", type_=task_keys.c.holder.type)
HELD = and_(
    task_keys.c.key == bindparam("the_key"),
    task_keys.c.fence == bindparam("the_fence"),
    task_keys.c.state == "claimed",
)
"""The key is claimed, and under this fence."""

EVENT = insert(task_events).values(at=database_now())
"""Parameters: the other columns."""


def renew(held: ColumnElement[bool]) -> Update:
    """Return what makes a lease last from now on. Parameters: those of `held`, and `the_lease`."""
    return update(task_keys).where(held).values(lease_until=database_now() + LEASE)


def finish(held: ColumnElement[bool]) -> Update:
    """Return what records a result. Parameters: those of `held`, and `the_result`."""
    done: dict[str, Any] = {
        "state": "done",
        "result": bindparam("the_result"),
        "finished_at": database_now(),
        "error": None,
    }
    return update(task_keys).where(held).values(done)


RENEW = renew(HELD)
FINISH = finish(HELD)


@cache
def claim(dialect: str) -> Insert:
    """Return the one statement that decides who holds a key: a row if it is the caller's now, and none otherwise.

    Parameters: `key`, `pipeline`, `step`, `partition`, `identity`, `payload`, `payload_digest`, `the_holder`, `the_lease`.

    Args:
        dialect: SQLAlchemy's name of the database.
    """
    now, old = database_now(), task_keys.c
    claimed_anew: dict[str, Any] = {
        "holder": HOLDER,
        "state": "claimed",
        "claimed_at": now,
        "lease_until": now + LEASE,
        "error": None,
    }
    new = insert_into(dialect, task_keys).values(fence=1, generation=1, taken_from="", **claimed_anew)
    free = or_(
        old.state.in_(("failed", "open")),
        and_(old.state == "claimed", or_(old.lease_until <= now, old.holder == HOLDER)),
    )
    left_behind = case((and_(old.state == "claimed", old.holder != HOLDER), old.holder), else_="")
    return new.on_conflict_do_update(
        index_elements=[old.key],
        set_={**claimed_anew, "fence": old.fence + 1, "taken_from": left_behind},
        where=and_(old.payload_digest == new.excluded.payload_digest, free),
    ).returning(old.fence, old.generation, old.claimed_at, old.taken_from)
