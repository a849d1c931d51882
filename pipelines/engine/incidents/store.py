"""Incidents in the ledger's database: what changes, its history and its messages are written in one transaction.

Two who settle at once (the watch, and a deadline of Airflow) decide from what they read, and write only if nobody changed it
meanwhile: the version of each incident is a part of the `WHERE`. Whoever loses begins again, and then mostly finds that
there is nothing left to do.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from pipelines.engine.clock import REAL, Clock
from pipelines.engine.errors import LedgerError, UsageError, nearest
from pipelines.engine.incidents.lifecycle import Change, Known, Policy, close, incident_id, settle
from pipelines.engine.incidents.message import Context, plain_message, write_message
from pipelines.engine.incidents.past import told_so_far
from pipelines.engine.incidents.values import Incident, IncidentEvent, Message, Silence
from pipelines.engine.ledger.database import Database, insert_into
from pipelines.engine.ledger.schema import database_now, incident_events, incidents, outbox, silences
from pipelines.engine.promises.verdicts import TROUBLES, Verdict

log = logging.getLogger(__name__)
Result = TypeVar("Result")
NIGHTSHIFT = "nightshift"
"""Who writes what no person does."""
MOST_TRIES = 50
AT_ONCE = 500
"""Values in one `IN`."""
OWED_SECONDS = 7 * 86_400.0
"""A resolution that a silence held back is told after the silence, unless the silence lasts longer than this."""
LONGEST_NAME = 200

RoutesFor = Callable[[Message], Sequence[str]]


class _OvertakenError(Exception):
    """Somebody else changed the incident between our reading and our writing."""


class Incidents(Database):
    """Incidents, in the ledger's database.

    Args:
        url: Of the ledger.
        clock: What time it is for the nights; all times of incidents are by it.
        patience: For how many seconds an operation tries again while the database does not answer.
    """

    def __init__(self, url: str, *, clock: Clock = REAL, patience: float = 20.0) -> None:
        super().__init__(url, patience=patience)
        self._clock = clock

    def settle(
        self,
        verdicts: Sequence[Verdict],
        *,
        owner_of: Callable[[str], str],
        routes_for: RoutesFor,
        context: Callable[[str], Context],
        policy: Policy | None = None,
        as_of: float | None = None,
    ) -> list[Change]:
        """Write down what verdicts change, and the messages that come of it. The same verdicts twice change nothing.

        What is called back is called inside a transaction: it must be quick, and must not use the database.

        Args:
            verdicts: What the judge says. Incidents that it says nothing of are looked at, too: a silence may have ended.
            owner_of: Who answers for a DAG.
            routes_for: Where a message goes; escalations (`message.occasion`) to routes that ask for them.
            context: What messages about a DAG need to know.
            policy: How patient we are.
            as_of: When the facts behind the verdicts were read, by the clock that the nights are in; None: now.

        Returns:
            What changed, by incident id.

        Raises:
            LedgerError: The database does not answer, or refused.
        """

        def work(connection: Connection) -> list[Change]:
            now = self._now(connection)
            known = _known(connection, verdicts, now)
            changes = settle(
                known,
                verdicts,
                owner_of=owner_of,
                policy=policy or Policy(),
                silences=_silences(connection, now),
                now=now,
                as_of=as_of,
            )
            for change in changes:
                self._write(connection, change, routes_for, context, NIGHTSHIFT, now)
            return changes

        return self._settled(work)

    def close(self, which: str, *, by: str, reason: str, context: Callable[[str], Context]) -> Incident:
        """Resolve an open incident by hand; the same trouble does not open it again. Those who heard of it are told.

        Raises:
            UsageError: There is none of that id, or it is resolved already.
        """
        by, reason = _name(by, "who closes it"), _storable(reason)

        def work(connection: Connection) -> Incident:
            now = self._now(connection)
            incident = _open_one(connection, which)
            events = _events(connection, [incident.id]).get(incident.id, [])
            known = Known(incident, told_so_far(events))
            change = close(known, reason=reason, silences=_silences(connection, now), now=now)
            self._write(connection, change, lambda message: (), context, by, now)
            return change.after

        return self._settled(work)

    def acknowledge(self, which: str, *, by: str) -> Incident:
        """Note that somebody has taken an incident up: it is not escalated any more, and tells only what is worse.

        Who acknowledges it again changes nothing.

        Args:
            which: The first digits of its id.
            by: Who.

        Raises:
            UsageError: There is none of that id, or it is resolved already.
        """
        by = _name(by, "who acknowledges it")

        def work(connection: Connection) -> Incident:
            incident = _open_one(connection, which)
            if incident.acknowledged_at is not None:
                return incident
            now = self._now(connection)
            values = {"acknowledged_at": now, "acknowledged_by": by, "changed_at": max(now, incident.changed_at)}
            _update(connection, incident, {**values, "version": incident.version + 1})
            _note(connection, incident.id, now, "acknowledged", by, {"state": incident.state})
            return _one(connection, incident.id)

        return self._settled(work)

    def silence(self, matches: str, *, seconds: float, by: str, reason: str) -> Silence:
        """Tell nothing of a DAG, a promise or an incident for a time.

        Raises:
            UsageError: The time is none.
        """
        if not 0 < seconds < 366 * 86_400:
            raise UsageError(f"a silence of {seconds:g} seconds is none; expected more than 0 and at most a year")
        by, reason = _name(by, "who silences it"), _storable(reason)

        def work(connection: Connection) -> Silence:
            now = self._now(connection)
            values = {"matches": matches, "since": now, "until": now + seconds, "by": by, "reason": reason}
            number = connection.scalar(insert(silences).values(values).returning(silences.c.id))
            return Silence(int(number or 0), matches, now, now + seconds, by, reason)

        return self.do(work)

    def unsilence(self, matches: str) -> int:
        """End the silences of exactly this DAG, promise or incident; return how many there were."""

        def work(connection: Connection) -> int:
            now = self._now(connection)
            ended = update(silences).where(silences.c.matches == matches, silences.c.until > now).values(until=now)
            return connection.execute(ended).rowcount

        return self.do(work)

    def silences(self) -> list[Silence]:
        """Return the silences that are not over."""
        return self.do(lambda connection: _silences(connection, self._now(connection)))

    def find(
        self, *, resolved: bool = False, dag_id: str | None = None, night: str | None = None, limit: int = 1000
    ) -> list[Incident]:
        """Return incidents, the newest first.

        Args:
            resolved: Also those that are resolved.
            dag_id: Only of this DAG.
            night: Only of this night.
            limit: At most so many.
        """
        conditions: list[ColumnElement[bool]] = [] if resolved else [incidents.c.resolved_at.is_(None)]
        if dag_id is not None:
            conditions.append(incidents.c.dag_id == dag_id)
        if night is not None:
            conditions.append(incidents.c.night == night)
        wanted = select(incidents).where(*conditions).order_by(incidents.c.opened_at.desc(), incidents.c.id)
        return self.do(lambda c: [Incident(**row) for row in c.execute(wanted.limit(limit)).mappings()])

    def get(self, which: str) -> Incident:
        """Return one incident by the first digits of its id.

        Raises:
            UsageError: There is none, or more than one.
        """
        return self.do(lambda connection: _one(connection, which))

    def history(self, which: str) -> list[IncidentEvent]:
        """Return everything that happened to an incident, in order; see `get`."""

        def read(connection: Connection) -> list[IncidentEvent]:
            found = _one(connection, which).id
            return _events(connection, [found]).get(found, [])

        return self.do(read)

    def open_nights(self) -> dict[str, list[str]]:
        """Return by promise id the nights that have an open incident."""
        wanted = select(incidents.c.promise_id, incidents.c.night).where(incidents.c.resolved_at.is_(None))
        nights: dict[str, list[str]] = {}
        for promise_id, night in self.do(lambda connection: connection.execute(wanted).all()):
            nights.setdefault(promise_id, []).append(night)
        return nights

    def counts(self) -> dict[tuple[str, str, str, str], int]:
        """Return how many incidents are open, by DAG, owner, state and severity."""
        by = (incidents.c.dag_id, incidents.c.owner, incidents.c.state, incidents.c.severity)
        wanted = select(*by, func.count()).where(incidents.c.resolved_at.is_(None)).group_by(*by)
        return {(row[0], row[1], row[2], row[3]): row[4] for row in self.do(lambda c: c.execute(wanted).all())}

    def names(self) -> set[str]:
        """Return the DAGs and promises that incidents were ever about, and the ids of open incidents."""
        told = select(incidents.c.dag_id, incidents.c.promise_id).distinct()
        opened = select(incidents.c.id).where(incidents.c.resolved_at.is_(None))

        def read(connection: Connection) -> set[str]:
            pairs = connection.execute(told).all()
            return {name for pair in pairs for name in pair} | set(connection.scalars(opened))

        return self.do(read)

    def _now(self, connection: Connection) -> float:
        return self._clock.shows(connection.scalar(select(database_now())) or 0.0)

    def _settled(self, work: Callable[[Connection], Result]) -> Result:
        """Do work, and again as long as somebody else is faster."""
        for _ in range(MOST_TRIES):
            try:
                return self.do(work)
            except _OvertakenError:
                time.sleep(random.uniform(0.002, 0.05))  # noqa: S311
        raise LedgerError(f"the incidents in {self.where} kept changing for {MOST_TRIES} tries; try again")

    def _write(
        self,
        connection: Connection,
        change: Change,
        routes_for: RoutesFor,
        context: Callable[[str], Context],
        by: str,
        now: float,
    ) -> None:
        after = change.after
        if change.before is None:
            _insert(connection, after)
        else:
            _update(connection, change.before, asdict(after))
        told: Mapping[str, Any] = {}
        if change.occasion is not None:
            message = _message(after, change.occasion, context(after.dag_id), now)
            routes = list(dict.fromkeys(routes_for(message) if change.routes is None else change.routes))
            if not routes:
                log.warning("no route wants to hear: %s", message.title)
            for route in routes:
                _post(connection, message, route)
            told = {"routes": routes}
        for note in change.notes:
            _note(connection, after.id, now, note.event, by, {**note.detail, **(told if "told" in note.detail else {})})


def _message(incident: Incident, occasion: str, context: Context, now: float) -> Message:
    try:
        return write_message(incident, occasion, context, now)
    except Exception:
        # Whatever is odd about this night, somebody must hear of it, and of all other nights.
        log.exception("the message about incident %s could not be written in full", incident.id)
        return plain_message(incident, occasion, context, now)


def _known(connection: Connection, verdicts: Sequence[Verdict], now: float) -> dict[str, Known]:
    """Incidents that are open, or owe a resolution, or that verdicts are about; with what was said of them."""
    heard = {incident_id(verdict.promise_id, verdict.night): verdict for verdict in verdicts}
    owes = and_(incidents.c.told_at < incidents.c.resolved_at, incidents.c.resolved_at > now - OWED_SECONDS)
    found = _rows(connection, or_(incidents.c.resolved_at.is_(None), owes))
    for some in _chunks(sorted(heard.keys() - found.keys())):
        found |= _rows(connection, incidents.c.id.in_(some))
    # A resolved incident of a night that is done is the common case, and its history says nothing that matters.
    matter = [
        which
        for which, incident in found.items()
        if incident.state != "resolved"
        or (incident.told_at is not None and incident.told_at < (incident.resolved_at or 0.0))
        or (which in heard and heard[which].state in TROUBLES)
    ]
    events: dict[str, list[IncidentEvent]] = {}
    for some in _chunks(matter):
        events |= _events(connection, some)
    return {which: Known(incident, told_so_far(events.get(which, ()))) for which, incident in found.items()}


def _rows(connection: Connection, condition: ColumnElement[bool]) -> dict[str, Incident]:
    rows = connection.execute(select(incidents).where(condition)).mappings()
    return {row["id"]: Incident(**row) for row in rows}


def _events(connection: Connection, which: Sequence[str]) -> dict[str, list[IncidentEvent]]:
    wanted = select(incident_events).where(incident_events.c.incident_id.in_(which)).order_by(incident_events.c.id)
    events: dict[str, list[IncidentEvent]] = {}
    for row in connection.execute(wanted).mappings():
        events.setdefault(row["incident_id"], []).append(IncidentEvent(**row))
    return events


def _silences(connection: Connection, now: float) -> list[Silence]:
    wanted = select(silences).where(silences.c.until > now).order_by(silences.c.id)
    return [Silence(**row) for row in connection.execute(wanted).mappings()]


def _one(connection: Connection, which: str) -> Incident:
    wanted = select(incidents).where(incidents.c.id.startswith(which.lower())).limit(2)
    is_one = re.fullmatch(r"[0-9a-fA-F]{1,32}", which) is not None
    found = [Incident(**row) for row in connection.execute(wanted).mappings()] if is_one else []
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{which!r} begins more than one incident's id; give more of its digits")
    newest = select(incidents.c.id).order_by(incidents.c.opened_at.desc()).limit(AT_ONCE)
    known = [name[: max(8, len(which))] for name in connection.scalars(newest)]
    raise UsageError(
        f"there is no incident {which[:40]!a}.{nearest(which, known)} `nightshift incidents --all` shows those that there are."
    )


def _open_one(connection: Connection, which: str) -> Incident:
    incident = _one(connection, which)
    if incident.state == "resolved":
        raise UsageError(f"incident {incident.id[:12]} is resolved already; there is nothing left to take up")
    return incident


def _insert(connection: Connection, incident: Incident) -> None:
    statement = (
        insert_into(connection.dialect.name, incidents)
        .values(asdict(incident))
        .on_conflict_do_nothing(index_elements=["id"])
    )
    if not connection.execute(statement).rowcount:
        raise _OvertakenError


def _update(connection: Connection, before: Incident, values: Mapping[str, Any]) -> None:
    mine = and_(incidents.c.id == before.id, incidents.c.version == before.version)
    if not connection.execute(update(incidents).where(mine).values(dict(values))).rowcount:
        raise _OvertakenError


def _note(connection: Connection, which: str, at: float, event: str, by: str, detail: dict[str, Any]) -> None:
    values = {"incident_id": which, "at": at, "event": event, "by": by, "detail": detail}
    connection.execute(insert(incident_events).values(values))


def _post(connection: Connection, message: Message, route: str) -> None:
    """Put a message into the outbox. One that is there already is the same: it is not sent again."""
    values = {
        "incident_id": message.incident_id,
        "occasion": message.occasion,
        "route": route,
        "message": message.to_json(),
        "written_at": database_now(),
        "due_at": database_now(),
        "attempts": 0,
        "state": "waiting",
        "holder": "",
        "lease_until": 0.0,
    }
    once = ["incident_id", "occasion", "route"]
    connection.execute(
        insert_into(connection.dialect.name, outbox).values(values).on_conflict_do_nothing(index_elements=once)
    )


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


def _name(name: str, what: str) -> str:
    name = _storable(name).strip()
    if not name or len(name) > LONGEST_NAME:
        raise UsageError(f"{what} needs a name of up to {LONGEST_NAME} characters; got {name[:40]!a}")
    return name


def _storable(text: str) -> str:
    """Replace what no database keeps: half characters and, in Postgres, the character 0."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
