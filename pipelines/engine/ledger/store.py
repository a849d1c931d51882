"""The ledger's operations: claim, renew, finish, fail, release, force, and what it remembers.

Each operation is one transaction around one deciding statement, for Postgres and SQLite alike. Each may be sent again
when its reply was lost: asking twice with the same holder and fence changes nothing more.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import Column, Connection, Row, Select, String, func, null, or_, select, update

from pipelines.engine.errors import FenceLost, LedgerNotMigrated, PayloadConflict, UsageError
from pipelines.engine.keys import TaskKey, canonical_json, digest_of
from pipelines.engine.ledger import statements
from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.forgetting import OldEvents, count_old, forget_some
from pipelines.engine.ledger.revisions import may_work
from pipelines.engine.ledger.schema import REVISION, VERSION_TABLE, database_now, task_events, task_keys
from pipelines.engine.ledger.values import Answer, Busy, Claimed, Done, Entry, Event, EventName
from pipelines.engine.telemetry.cost import Cost

log = logging.getLogger(__name__)
Result = TypeVar("Result")
LARGEST_RESULT = 64_000
COST = "_cost"
"""Where a result's row holds what the work cost; it belongs to the key, and not to what came out."""
FIELDS = tuple(name for name in Entry.__dataclass_fields__ if name not in ("result", "cost"))


class Ledger(Database):
    """A ledger in a database.

    Args:
        url: SQLAlchemy URL, `sqlite:///FILE` or `postgresql://...`.
        lease_seconds: How long a claim lasts without being renewed, by the database's clock.
        patience: For how many seconds an operation tries again while the database does not answer.

    Raises:
        UsageError: The URL cannot be a ledger's.
    """

    def __init__(self, url: str, *, lease_seconds: float = 60.0, patience: float = 20.0) -> None:
        super().__init__(url, patience=patience)
        self.lease_seconds = lease_seconds

    def __repr__(self) -> str:
        return f"Ledger({self.where!r})"

    def check(self) -> None:
        """Make sure that the database answers and has tables that this version may work with.

        Raises:
            LedgerUnavailable: It does not answer.
            LedgerNotMigrated: It has other tables, or none.
        """
        from sqlalchemy import column, table

        def read(connection: Connection, name: str) -> str | None:
            return connection.scalar(select(column(name)).select_from(table(VERSION_TABLE)))

        found = self.do_once(lambda connection: read(connection, "version_num"))
        if found == REVISION:
            return
        newer = found is not None and found > REVISION
        said = self.do_once(lambda connection: read(connection, "oldest_code")) if newer else None
        if may_work(found, said, REVISION):
            log.info("%r is of revision %s, which code of revision %s may work with", self, found, REVISION)
            return
        mend = (
            "A newer Nightshift made them: upgrade this machine's code." if newer else "Run `nightshift migrate` once."
        )
        raise LedgerNotMigrated(f"{self!r} has tables of version {found}; this Nightshift expects {REVISION}. {mend}")

    def claim(self, key: TaskKey, *, holder: str, payload: object = None) -> Answer:
        """Ask for a key: it is the caller's now, done already, or held by somebody else.

        Args:
            key: The work's identity.
            holder: Names this attempt and no other.
            payload: What the key promises to determine; any JSON value.

        Raises:
            PayloadConflict: The key is known with another payload.
            UsageError: A name in the key, or the holder's, cannot be kept.
        """
        for column in (task_keys.c.pipeline, task_keys.c.step, task_keys.c.partition):
            _check_name(column, getattr(key, column.name))
        _check_name(task_keys.c.holder, holder)
        return self.do(lambda connection: _claim(connection, key, holder, payload, self.lease_seconds))

    def renew(self, claim: Claimed) -> None:
        """Make the lease last from now on.

        Raises:
            FenceLost: Somebody else took the key over.
        """

        def write(connection: Connection) -> None:
            parameters = {**_names(claim), "the_lease": self.lease_seconds}
            if not connection.execute(statements.RENEW, parameters).rowcount:
                raise _fence_lost(connection, claim)

        self.do(write)

    def finish(self, claim: Claimed, result: dict[str, Any], cost: Cost | None = None) -> None:
        """Record what came out; the key is done from now on.

        Args:
            claim: Of the key.
            result: What came out.
            cost: What the work cost, if that is known.

        Raises:
            FenceLost: Somebody else took the key over; nothing was recorded.
            UsageError: The result is not small JSON.
        """
        _check_small_json(claim, result)
        kept = {**result, COST: cost.to_json()} if cost else result

        def write(connection: Connection) -> None:
            if connection.execute(statements.FINISH, {**_names(claim), "the_result": kept}).rowcount:
                _write_event(connection, claim, "finished", result)
            elif not _finished_by(connection, claim):
                raise _fence_lost(connection, claim)

        self.do(write)

    def fail(self, claim: Claimed, error: str) -> None:
        """End this try for good: the next one is a new generation, and may begin at once.

        Raises:
            FenceLost: Somebody else took the key over.
        """
        self._end(claim, "failed", error, generations=1)

    def release(self, claim: Claimed, reason: str) -> None:
        """Give the key back unfinished: the next attempt goes on with the same generation.

        Raises:
            FenceLost: Somebody else took the key over.
        """
        self._end(claim, "released", reason, generations=0)

    def _end(self, claim: Claimed, event: EventName, reason: str, *, generations: int) -> None:
        reason = _storable(reason)

        def write(connection: Connection) -> None:
            values = {
                "state": "failed" if event == "failed" else "open",
                "error": reason,
                "lease_until": database_now(),
                "generation": task_keys.c.generation + generations,
            }
            if connection.execute(update(task_keys).where(statements.HELD).values(values), _names(claim)).rowcount:
                _write_event(connection, claim, event, {"reason": reason})
            elif not _ended_by(connection, claim, event):
                raise _fence_lost(connection, claim)

        self.do(write)

    def force(self, digest: str, *, holder: str, reason: str, fence: int | None = None) -> Entry | None:
        """Open a key again on purpose: the next claim is a new generation, and a present holder loses its fence.

        Args:
            digest: The key's.
            holder: Who wants it.
            reason: Kept in the history.
            fence: Only if this is still the key's fence.

        Returns:
            The opened key, or None if `fence` is no longer its fence.

        Raises:
            UsageError: The ledger does not know the key, or the holder's name cannot be kept.
        """
        _check_name(task_keys.c.key, digest)
        _check_name(task_keys.c.holder, holder)
        reason = _storable(reason)
        request = uuid.uuid4().hex  # tells this wish from another one of the same person, should its reply be lost
        if fence is not None:
            return self.do(lambda connection: _force(connection, digest, fence, holder, reason, request))
        while True:
            known = self.entry(digest)
            if known is None or known.key != digest:
                raise UsageError(f"the ledger has no key {digest[:12]}. `nightshift keys` lists those that it has.")
            forced = self.force(digest, holder=holder, reason=reason, fence=known.fence)
            if forced is not None:  # else it has changed hands between the two
                return forced

    def entry(self, digest: str) -> Entry | None:
        """Return one key by its digest or by the beginning of it.

        Raises:
            UsageError: The beginning fits more than one key, or cannot be one.
        """
        _check_name(task_keys.c.key, digest)
        found = self._entries(select(task_keys).where(task_keys.c.key.startswith(digest, autoescape=True)).limit(2))
        if len(found) > 1:
            raise UsageError(f"{digest!r} begins more than one key; give more of its digits")
        return found[0] if found else None

    def entries(
        self,
        *,
        pipeline: str | None = None,
        step: str | None = None,
        partition: str | None = None,
        claimed_since: float | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """Return keys, the latest claimed first; those of a partition include its shards'.

        Raises:
            UsageError: A name is none that a key can have.
        """
        wanted = {"pipeline": pipeline, "step": step}
        for name, value in {**wanted, "partition": partition}.items():
            _check_name(task_keys.c[name], value or "")
        conditions = [task_keys.c[name] == value for name, value in wanted.items() if value is not None]
        if partition is not None:
            shards = task_keys.c.partition.startswith(f"{partition}#", autoescape=True)
            conditions.append(or_(task_keys.c.partition == partition, shards))
        if claimed_since is not None:
            conditions.append(task_keys.c.claimed_at >= claimed_since)
        newest_first = select(task_keys).where(*conditions).order_by(task_keys.c.claimed_at.desc(), task_keys.c.key)
        return self._entries(newest_first.limit(limit))

    def alike(self, entry: Entry) -> list[Entry]:
        """Return all keys of a key's pipeline, step and partition, the latest claimed first."""
        found = self.entries(pipeline=entry.pipeline, step=entry.step, partition=entry.partition)
        return [other for other in found if other.partition == entry.partition]

    def history(self, digest: str) -> list[Event]:
        """Return everything that happened to a key, oldest first.

        Raises:
            UsageError: The digest cannot be one.
        """
        _check_name(task_events.c.key, digest)
        wanted = select(task_events).where(task_events.c.key == digest).order_by(task_events.c.id)
        rows = self.do(lambda connection: connection.execute(wanted).all())
        return [Event(r.key, r.at, r.event, r.fence, r.generation, r.holder, r.detail) for r in rows]

    def claims_since(self, seconds: float) -> int:
        """Count the claims that were given since a time of the database's clock."""
        claims = task_events.c.event.in_(("claimed", "taken_over"))
        wanted = select(func.count()).select_from(task_events).where(claims, task_events.c.at >= seconds)
        return cast("int", self.do(lambda connection: connection.scalar(wanted)))

    def old_events(self, older_than: float, *, pipelines: Sequence[str] | None = None) -> OldEvents:
        """Count the events that `forget_events` would remove now."""
        return self.do(lambda connection: count_old(connection, older_than, pipelines))

    def forget_events(self, older_than: float, *, pipelines: Sequence[str] | None = None) -> int:
        """Remove superfluous events that are older than a time of the database's clock, and at least seven days old.

        Keys are never removed, nor is the last finish of a key, nor anything of a key that is held.

        Args:
            older_than: Seconds since 1970.
            pipelines: Only events of their keys; None for all.

        Returns:
            How many were removed.
        """
        total = 0
        while removed := self.do(lambda connection: forget_some(connection, older_than, pipelines)):
            total += removed
        return total

    def _entries(self, wanted: Select[Any]) -> list[Entry]:
        return [entry_of(row) for row in self.do(lambda connection: connection.execute(wanted).all())]


def _claim(connection: Connection, key: TaskKey, holder: str, payload: object, lease_seconds: float) -> Answer:
    parameters = {
        "key": key.digest,
        "pipeline": key.pipeline,
        "step": key.step,
        "partition": key.partition,
        "identity": key.identity,
        "payload": payload,
        "payload_digest": digest_of(payload),
        "the_holder": holder,
        "the_lease": lease_seconds,
    }
    statement = statements.claim(connection.dialect.name)
    row = connection.execute(statement, parameters).one_or_none()
    if row is None:
        return _why_not(connection, key, payload)
    claim = Claimed(key.digest, row.fence, row.generation, holder, row.claimed_at, bool(row.taken_from))
    event: EventName = "taken_over" if claim.taken_over else "claimed"
    _write_event(connection, claim, event, {"from": row.taken_from} if claim.taken_over else {})
    return claim


def _force(connection: Connection, digest: str, fence: int, holder: str, reason: str, request: str) -> Entry | None:
    values = {
        "state": "open",
        "fence": task_keys.c.fence + 1,
        "generation": task_keys.c.generation + 1,
        "lease_until": database_now(),
        "result": null(),  # what came out before stays in the history
        "finished_at": None,
    }
    wanted = (task_keys.c.key == digest, task_keys.c.fence == fence)
    row = connection.execute(update(task_keys).where(*wanted).values(values).returning(task_keys)).one_or_none()
    if row is not None:
        forcer = Claimed(digest, row.fence, row.generation, holder, row.claimed_at)
        _write_event(connection, forcer, "forced", {"reason": reason, "request": request})
        return entry_of(row)
    if not _was_forced(connection, digest, fence + 1, request):
        return None
    return entry_of(connection.execute(select(task_keys).where(task_keys.c.key == digest)).one())


def _was_forced(connection: Connection, digest: str, fence: int, request: str) -> bool:
    """Was the same wish granted before, and only its reply lost?"""
    events = task_events.c
    wanted = select(events.detail).where(events.key == digest, events.fence == fence, events.event == "forced")
    return any(detail.get("request") == request for detail in connection.scalars(wanted))


def _why_not(connection: Connection, key: TaskKey, payload: object) -> Answer:
    row = connection.execute(
        select(task_keys, (task_keys.c.lease_until - database_now()).label("seconds_left")).where(
            task_keys.c.key == key.digest
        )
    ).one()
    if row.payload_digest != digest_of(payload):
        raise PayloadConflict(
            f"{key} is known with other work behind it.\n"
            f"  expected (known since its first claim): {_shortened(row.payload)}\n"
            f"  got: {_shortened(payload)}\n"
            "The same key must mean the same work: find out which input the key does not cover."
        )
    if row.state == "done":
        return Done(row.key, row.fence, row.generation, row.holder, row.finished_at, _came_out(row.result) or {})
    return Busy(row.key, row.fence, row.holder, max(0.0, row.seconds_left))


def _check_small_json(claim: Claimed, result: dict[str, Any]) -> None:
    if COST in result:
        raise UsageError(f"the result of {claim.key[:12]} has a field {COST!r}, which is the ledger's own; rename it")
    try:
        length = len(canonical_json(result))
    except (TypeError, ValueError) as error:
        raise UsageError(f"the result of {claim.key[:12]} is not JSON: {error}") from error
    if length > LARGEST_RESULT:
        raise UsageError(
            f"the result of {claim.key[:12]} has {length} characters; the ledger keeps up to {LARGEST_RESULT}"
        )


def _check_name(column: Column[Any], name: str) -> None:
    """Raises UsageError when not every database can keep a name, or look for it, exactly as it is."""
    longest = cast("String", column.type).length or 0
    if len(name) > longest or name != _storable(name):
        raise UsageError(
            f"the ledger keeps no {column.name} {name[:80]!a}; expected up to {longest} whole characters, and none of them NUL"
        )


def _storable(text: str) -> str:
    """Replace what no database keeps: half characters (from odd file names) and, in Postgres, the character 0."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _shortened(value: object, length: int = 300) -> str:
    text = canonical_json(value)
    return text if len(text) <= length else f"{text[:length]}... ({digest_of(value)[:12]})"


def _names(claim: Claimed) -> dict[str, Any]:
    """What `statements.HELD` asks for."""
    return {"the_key": claim.key, "the_fence": claim.fence}


def _finished_by(connection: Connection, claim: Claimed) -> bool:
    """Was the same finish recorded before, and only its reply lost?"""
    state = select(task_keys.c.state).where(task_keys.c.key == claim.key, task_keys.c.fence == claim.fence)
    return connection.scalar(state) == "done"


def _ended_by(connection: Connection, claim: Claimed, event: EventName) -> bool:
    wanted = select(func.count()).where(
        task_events.c.key == claim.key, task_events.c.fence == claim.fence, task_events.c.event == event
    )
    return bool(connection.scalar(wanted))


def _fence_lost(connection: Connection, claim: Claimed) -> FenceLost:
    row = connection.execute(select(task_keys).where(task_keys.c.key == claim.key)).one_or_none()
    now = f"state {row.state}, fence {row.fence}, holder {row.holder}" if row else "no such key"
    return FenceLost(
        f"{claim.holder} holds fence {claim.fence} of key {claim.key[:12]} no longer (now: {now}). "
        "It records nothing any more; the newer holder goes on, from a commit that was sent before, too."
    )


def _write_event(connection: Connection, claim: Claimed, event: EventName, detail: dict[str, Any]) -> None:
    values = {
        "key": claim.key,
        "event": event,
        "fence": claim.fence,
        "generation": claim.generation,
        "holder": claim.holder,
        "detail": detail,
    }
    connection.execute(statements.EVENT, values)


def entry_of(row: Row[Any]) -> Entry:
    """Return a row of `task_keys` as a value."""
    cost = Cost.from_json(row.result.get(COST)) if row.result else None
    return Entry(**{name: getattr(row, name) for name in FIELDS}, result=_came_out(row.result), cost=cost)


def _came_out(kept: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a recorded result without what it cost."""
    return {name: value for name, value in kept.items() if name != COST} if kept and COST in kept else kept
