"""Incidents and their outbox in a real database, at a time that the test chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, create_engine, select, update

from pipelines.engine.clock import Clock
from pipelines.engine.incidents.lifecycle import Change
from pipelines.engine.incidents.message import Context
from pipelines.engine.incidents.outbox import Outbox
from pipelines.engine.incidents.store import Incidents
from pipelines.engine.incidents.values import Message
from pipelines.engine.ledger.schema import outbox
from pipelines.engine.promises.verdicts import Verdict
from tests.pipelines.engine.incidents.nights import POLICY

RoutesFor = Callable[[Message], Sequence[str]]


def both_routes(message: Message) -> Sequence[str]:
    """Two routes, of which one asks for escalations alone."""
    return ["boss"] if message.occasion.startswith("escalated") else ["mail", "chat"]


class Shop:
    """What settles, and what was written."""

    def __init__(self, url: str, *, routes_for: RoutesFor = both_routes) -> None:
        self.url = url
        self.outbox = Outbox(url, patience=5)
        self.routes_for = routes_for
        self._engine: Engine = create_engine(
            url.replace("postgresql:", "postgresql+psycopg2:"), isolation_level="AUTOCOMMIT"
        )

    def at(self, now: float) -> Incidents:
        """Return the incidents, with a clock that stands still."""
        return Incidents(self.url, clock=Clock(showed=now, speed=0.0), patience=5)

    def settle(self, *verdicts: Verdict, now: float, **options: Any) -> list[Change]:
        given = {"routes_for": self.routes_for, "context": self.context, "policy": POLICY, **options}
        return self.at(now).settle(verdicts, owner_of=lambda dag_id: "ada", **given)

    def context(self, dag_id: str) -> Context:
        """Nothing but the incident itself is known."""
        return Context()

    def rows(self) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(select(outbox).order_by(outbox.c.id)).all())

    def occasions(self, route: str) -> list[str]:
        return [row.occasion for row in self.rows() if row.route == route]

    def change(self, **values: Any) -> None:
        """Change every row of the outbox, past its operations."""
        with self._engine.connect() as connection:
            connection.execute(update(outbox).values(values))

    def close(self) -> None:
        self._engine.dispose()
