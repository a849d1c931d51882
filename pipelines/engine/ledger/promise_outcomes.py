"""How each night's promises ended: written once, for the reports and the counters that outlive a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import Connection, func, select

from pipelines.engine.ledger.database import Database, insert_into
from pipelines.engine.ledger.schema import outcomes


@dataclass(frozen=True)
class PromiseOutcome:
    """How a promise ended for a night.

    Attributes:
        promise_id, dag_id, night: Which.
        outcome: `late` from the moment it is, and for good.
        due_at: When it was due, in seconds since 1970 by the clock that the nights are in.
        finished_at: When it was finished; None while it is not.
    """

    promise_id: str
    dag_id: str
    night: str
    outcome: Literal["on_time", "late"]
    due_at: float
    finished_at: float | None


class PromiseOutcomes(Database):
    """Outcomes in the ledger's database."""

    def record(self, ended: Sequence[PromiseOutcome]) -> None:
        """Write outcomes down; one that is known only learns when the night was finished."""

        def write(connection: Connection) -> None:
            for outcome in ended:
                statement = insert_into(connection.dialect.name, outcomes).values(**asdict(outcome))
                finished_at = func.coalesce(outcomes.c.finished_at, statement.excluded.finished_at)
                key = ["promise_id", "night"]
                connection.execute(
                    statement.on_conflict_do_update(index_elements=key, set_={"finished_at": finished_at})
                )

        if ended:
            self.do(write)

    def since(self, due_at: float) -> list[PromiseOutcome]:
        """Return the outcomes of nights that were due since then, the oldest first."""
        wanted = select(outcomes).where(outcomes.c.due_at >= due_at).order_by(outcomes.c.due_at, outcomes.c.promise_id)
        return [
            PromiseOutcome(**row) for row in self.do(lambda connection: connection.execute(wanted).mappings().all())
        ]

    def counts(self) -> dict[tuple[str, str, str], int]:
        """Return how many nights ended how, by promise id, DAG and outcome."""
        which = (outcomes.c.promise_id, outcomes.c.dag_id, outcomes.c.outcome)
        rows = self.do(lambda connection: connection.execute(select(*which, func.count()).group_by(*which)).all())
        return {(row[0], row[1], row[2]): row[3] for row in rows}
