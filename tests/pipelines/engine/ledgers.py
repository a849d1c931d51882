"""Both kinds of ledger, and a door into their tables that the engine itself does not have."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import pytest
from sqlalchemy import Float, create_engine, select, update

from pipelines.engine.ledger.schema import database_now, task_events, task_keys

BOTH = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]


class Inside:
    """One open connection to a ledger's tables, in which each statement is its own transaction."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url.replace("postgresql:", "postgresql+psycopg2:"), isolation_level="AUTOCOMMIT")

    def __enter__(self) -> Self:
        self.connection = self._engine.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()
        self._engine.dispose()

    def end_lease(self, digest: str) -> None:
        """Move the end of a key's lease into the past, instead of waiting for it."""
        past = update(task_keys).where(task_keys.c.key == digest).values(lease_until=database_now() - 1)
        self.connection.execute(past)

    def row(self, digest: str) -> Any:
        """Return a key's row, or None."""
        return self.connection.execute(select(task_keys).where(task_keys.c.key == digest)).one_or_none()

    def events(self, digest: str) -> list[Any]:
        """Return a key's events in the order of their numbers."""
        wanted = select(task_events).where(task_events.c.key == digest).order_by(task_events.c.id)
        return list(self.connection.execute(wanted).all())

    def let_time_pass(self, days: float) -> None:
        """Make everything that the ledger remembers older, past the triggers that would refuse it."""
        triggers = self._without_triggers()
        for table in (task_keys, task_events):
            times = [column for column in table.c if isinstance(column.type, Float)]
            self.connection.execute(update(table).values({column: column - days * 86_400 for column in times}))
        for statement in triggers:
            self.connection.exec_driver_sql(statement)

    def _without_triggers(self) -> list[str]:
        """Take the history's triggers away, and return the statements that bring them back."""
        if self._engine.dialect.name == "postgresql":
            self.connection.exec_driver_sql("ALTER TABLE task_events DISABLE TRIGGER USER")
            return ["ALTER TABLE task_events ENABLE TRIGGER USER"]
        made = self.connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
        for name, _ in made:
            self.connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return [statement for _, statement in made]
