"""Messages that wait to be sent, in the ledger's database. Its own clock is the only one that counts here.

A message is taken under a lease, sent, and marked. It is sent once, but for one case: a sender that dies, or is stopped for longer than
its lease, between the receiver's yes and the mark. Then the next sender cannot know, and sends it again. Receivers that
group by `Message.incident_id` and `Message.occasion` see through that.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Float, and_, case, exists, func, or_, select, update

from pipelines.engine.incidents.values import Message
from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.schema import database_now, outbox

FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 600.0
GIVE_UP_SECONDS = 3 * 86_400.0
"""An alert about a night that is three days old helps nobody any more."""
LONGEST_ERROR = 500


def wait_before_retry(attempts: int, *, retryable: bool = True, jitter: float | None = None) -> float:
    """Return the seconds until the next attempt: 2, 4, 8 ... up to 600, a quarter more or less.

    Args:
        attempts: How often it was tried so far, at least 1.
        retryable: False if somebody must mend something first: that takes the longest wait from the start.
        jitter: From 0 to 1, where in that range; None draws it. So that senders which failed together do not come back together.
    """
    doubled = FIRST_WAIT_SECONDS * 2.0 ** min(max(attempts, 1) - 1, 20)
    wait = min(doubled, LONGEST_WAIT_SECONDS) if retryable else LONGEST_WAIT_SECONDS
    return wait * (0.75 + 0.5 * (random.random() if jitter is None else jitter))  # noqa: S311


@dataclass(frozen=True)
class Letter:
    """A message for one route, taken to be sent.

    Attributes:
        id: Of its row.
        route: Where it goes.
        message: What is said.
        attempts: How often it was tried, this one included.
        age_seconds: How long ago it was written.
    """

    id: int
    route: str
    message: Message
    attempts: int
    age_seconds: float


@dataclass(frozen=True)
class Pending:
    """What waits for one route.

    Attributes:
        route: Which.
        waiting: Messages that are not sent yet.
        given_up: Messages that never will be.
        oldest_seconds: For how long the oldest one has been waiting; 0 if none is.
        error: Why the last attempt failed that did; None if none did.
    """

    route: str
    waiting: int
    given_up: int
    oldest_seconds: float
    error: str | None


class Outbox(Database):
    """Messages that wait to be sent. Incidents write them; senders, any number of them, take them."""

    def take(self, holder: str, *, limit: int, lease_seconds: float, route: str | None = None) -> list[Letter]:
        """Take messages to send, the oldest first, at most one for each incident and route.

        Of an incident and a route the next message waits until the one before it is sent or given up, so that `resolved`
        never overtakes `late`.

        Args:
            holder: Who takes them; `pipelines.engine.run_once.new_holder()`.
            limit: At most so many.
            lease_seconds: For how long nobody else may take them.
            route: Only for this one.
        """

        def work(connection: Connection) -> list[Letter]:
            wanted = select(outbox.c.id).where(_may_go(route)).order_by(outbox.c.id).limit(limit)
            ids = list(connection.scalars(wanted.with_for_update(skip_locked=True)))
            taken = (
                update(outbox)
                .where(outbox.c.id.in_(ids))
                .values(
                    state="sending",
                    holder=holder,
                    lease_until=database_now() + lease_seconds,
                    attempts=outbox.c.attempts + 1,
                )
                .returning(outbox, (database_now() - outbox.c.written_at).label("age"))
            )
            rows = sorted(connection.execute(taken).all(), key=lambda row: row.id) if ids else []
            return [
                Letter(row.id, row.route, Message.from_json(row.message), row.attempts, max(0.0, row.age))
                for row in rows
            ]

        return self.do(work)

    def due_routes(self) -> list[str]:
        """Return the routes for which something may be sent now."""
        wanted = select(outbox.c.route).where(_may_go(None)).distinct().order_by(outbox.c.route)
        return list(self.do(lambda connection: connection.scalars(wanted).all()))

    def sent(self, letter: int, holder: str) -> bool:
        """Note that the receiver has it. An answer that came too late for its time limit counts, too.

        Returns:
            False if somebody else has taken it meanwhile.
        """
        values = {"state": "sent", "sent_at": database_now(), "error": None}
        return self._mark(letter, outbox.c.state.in_(("sending", "waiting")), holder, values)

    def failed(self, letter: int, holder: str, error: str, *, retry_in: float) -> bool:
        """Note that an attempt failed, and when the next one is due.

        Args:
            letter: The id of what was taken.
            holder: Who took it.
            error: Why, without any secret.
            retry_in: Seconds until the next attempt.

        Returns:
            False if it is not the holder's any more.
        """
        values = {"state": "waiting", "due_at": database_now() + retry_in, "error": _storable(error)}
        return self._mark(letter, outbox.c.state == "sending", holder, values)

    def give_up(self, letter: int, holder: str, error: str) -> bool:
        """Note that it will not be tried again; see `failed`."""
        return self._mark(letter, outbox.c.state == "sending", holder, {"state": "given_up", "error": _storable(error)})

    def pending(self) -> list[Pending]:
        """Return what waits, and what was given up, by route; routes with neither are left out."""
        waits = outbox.c.state.in_(("waiting", "sending"))
        lost = outbox.c.state == "given_up"
        age = func.max(case((waits, database_now() - outbox.c.written_at)), type_=Float)
        wanted = (
            select(
                outbox.c.route,
                func.sum(case((waits, 1), else_=0)),
                func.sum(case((lost, 1), else_=0)),
                age,
            )
            .where(or_(waits, lost))
            .group_by(outbox.c.route)
            .order_by(outbox.c.route)
        )
        errors = select(outbox.c.route, outbox.c.error).where(or_(waits, lost), outbox.c.error.is_not(None))

        def read(connection: Connection) -> list[Pending]:
            said = {row.route: row.error for row in connection.execute(errors.order_by(outbox.c.id))}
            return [
                Pending(route, int(waiting), int(given_up), max(0.0, oldest or 0.0), said.get(route))
                for route, waiting, given_up, oldest in connection.execute(wanted)
            ]

        return self.do(read)

    def _mark(self, letter: int, state: ColumnElement[bool], holder: str, values: Mapping[str, object]) -> bool:
        mine = update(outbox).where(outbox.c.id == letter, outbox.c.holder == holder, state).values(values)
        return self.do(lambda connection: connection.execute(mine).rowcount) > 0


def _may_go(route: str | None) -> ColumnElement[bool]:
    earlier, now = outbox.alias(), database_now()
    before_it = exists().where(
        earlier.c.incident_id == outbox.c.incident_id,
        earlier.c.route == outbox.c.route,
        earlier.c.id < outbox.c.id,
        earlier.c.state.in_(("waiting", "sending")),
    )
    is_due = or_(
        and_(outbox.c.state == "waiting", outbox.c.due_at <= now),
        and_(outbox.c.state == "sending", outbox.c.lease_until <= now),
    )
    return and_(is_due, ~before_it, *([outbox.c.route == route] if route is not None else []))


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")[:LONGEST_ERROR]
