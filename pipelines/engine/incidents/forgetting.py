"""What the history of incidents may lose: incidents that were resolved long ago, with what happened and was told.

An open incident never goes, nor one with a message that still waits. The youngest that may go is older than the nights that
the judge looks at, so none that is forgotten is opened, and told, a second time.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select

from pipelines.engine.ledger.schema import database_now, incident_events, incidents, outbox, silences

YOUNGEST_SECONDS = 14 * 86_400.0
"""Twice as far as the judge looks back."""
AT_ONCE = 500
"""Incidents of one transaction: others get in between."""


@dataclass(frozen=True)
class OldIncidents:
    """Incidents that may go: how many, and when the oldest was resolved."""

    number: int
    oldest: float | None


def count_old(connection: Connection, older_than: float) -> OldIncidents:
    """Count the incidents that may go; `older_than` in seconds since 1970."""
    wanted = select(func.count(), func.min(incidents.c.resolved_at)).where(_may_go(older_than))
    return OldIncidents(*connection.execute(wanted).one())


def forget_some(connection: Connection, older_than: float) -> int:
    """Remove up to `AT_ONCE` incidents that may go, and silences that ended before; return how many incidents that were."""
    some = select(incidents.c.id).where(_may_go(older_than)).order_by(incidents.c.resolved_at).limit(AT_ONCE)
    which = list(connection.scalars(some))
    connection.execute(delete(silences).where(silences.c.until < older_than))
    for table in (incident_events, outbox):
        connection.execute(delete(table).where(table.c.incident_id.in_(which)))
    return connection.execute(delete(incidents).where(incidents.c.id.in_(which))).rowcount


def _may_go(older_than: float) -> ColumnElement[bool]:
    waits = exists().where(outbox.c.incident_id == incidents.c.id, outbox.c.state.in_(("waiting", "sending")))
    return and_(
        incidents.c.resolved_at < older_than,
        incidents.c.resolved_at < database_now() - YOUNGEST_SECONDS,
        ~waits,
    )
