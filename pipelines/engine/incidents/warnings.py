"""Early warnings as the ledger's database remembers them, for the report on how good they were."""

from __future__ import annotations

from sqlalchemy import select

from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.schema import incident_events, incidents

Warned = tuple[float, float | None]
"""When people were told that a night is at risk, and the probability of keeping the promise that was told."""


class Warnings(Database):
    """Early warnings in the ledger's database."""

    def first(self, since: float) -> dict[tuple[str, str], Warned]:
        """Return the first warning for each promise and night that were due since then.

        Args:
            since: Seconds since 1970 by the clock that the nights are in.
        """
        wanted = (
            select(incidents.c.promise_id, incidents.c.night, incident_events.c.at, incident_events.c.detail)
            .join(incident_events, incident_events.c.incident_id == incidents.c.id)
            .where(incident_events.c.event == "at_risk", incidents.c.due_at >= since)
            .order_by(incident_events.c.id.desc())
        )
        rows = self.do(lambda connection: connection.execute(wanted).all())
        return {(row.promise_id, row.night): (row.at, row.detail.get("probability")) for row in rows}
