"""The ledger's operations on rows: what `pipelines/engine/ledger/store.py` says in SQL, each in one transaction."""

from __future__ import annotations

from typing import NamedTuple

from tests.protocol.values import GONE, Key, Row

Rows = tuple[tuple[Key, Row], ...]


class Claimed(NamedTuple):
    fence: int
    generation: int


class Done(NamedTuple):
    result: int | None


class Busy(NamedTuple):
    fence: int


def row_of(rows: Rows, key: Key) -> Row | None:
    """Return a key's row, or None."""
    return next((row for known, row in rows if known == key), None)


def claim(rows: Rows, key: Key, holder: int) -> tuple[Rows, Claimed | Done | Busy]:
    """Give the key away if it is free; the same holder may ask again, because its reply may have been lost."""
    row = row_of(rows, key)
    if row is None:
        row = Row("claimed", 1, 1, holder)
    elif row.state == "done":
        return rows, Done(row.result)
    elif row.state == "claimed" and not row.expired and row.holder != holder:
        return rows, Busy(row.fence)
    else:
        row = row._replace(state="claimed", fence=row.fence + 1, holder=holder, expired=False)
    others = tuple(entry for entry in rows if entry[0] != key)
    return ((key, row), *others), Claimed(row.fence, row.generation)


def renew(rows: Rows, key: Key, fence: int) -> Rows | None:
    """Make the lease last; None is `FenceLost`. A lease that has ended is renewed, too, if nobody took the key."""
    return _with(rows, key, expired=False) if holds(rows, key, fence) else None


def finish(rows: Rows, key: Key, fence: int, result: int | None, *, anybody: bool = False) -> Rows | None:
    """Record the result; None is `FenceLost`. The same finish again changes nothing."""
    row = row_of(rows, key)
    if holds(rows, key, fence) or anybody:
        done = {"state": "done", "result": result, "holder": GONE, "expired": False}
        return _with(rows, key, **done, finishes=row.finishes + 1)
    return rows if (row.state, row.fence) == ("done", fence) else None


def end(rows: Rows, key: Key, fence: int, state: str) -> Rows:
    """Release (`open`) or fail (`failed`); `FenceLost` is swallowed by the only caller, so nothing is said of it."""
    if not holds(rows, key, fence):
        return rows
    row = row_of(rows, key)
    generation = row.generation + (state == "failed")
    return _with(rows, key, state=state, holder=GONE, expired=False, generation=generation)


def force(rows: Rows, key: Key) -> Rows:
    """Open the key again: a new fence, so that a holder loses it, and a new generation."""
    row = row_of(rows, key)
    opened = {"state": "open", "holder": GONE, "expired": False, "result": None, "finishes": 0}
    return _with(rows, key, **opened, fence=row.fence + 1, generation=row.generation + 1)


def expire(rows: Rows, key: Key) -> Rows:
    """The lease of a key ends."""
    return _with(rows, key, expired=True)


def holds(rows: Rows, key: Key, fence: int) -> bool:
    """Return whether the key is claimed under this fence."""
    row = row_of(rows, key)
    return row is not None and (row.state, row.fence) == ("claimed", fence)


def forget_holder(rows: Rows, holder: int) -> Rows:
    """An attempt is over: its holder's name will not be used again."""
    return tuple((key, row._replace(holder=GONE) if row.holder == holder else row) for key, row in rows)


def _with(rows: Rows, key: Key, **changes: object) -> Rows:
    return tuple((known, row._replace(**changes) if known == key else row) for known, row in rows)
