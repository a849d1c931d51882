"""What is measured of a ledger: how its keys stand, and what their work cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.schema import task_keys
from pipelines.engine.ledger.store import COST
from pipelines.engine.telemetry.cost import Cost
from pipelines.engine.views.cost import SpentKey
from pipelines.engine.views.reading import DONE, PUBLISH

_keys = task_keys.c


class Measured(Database):
    """Measures the ledger's database."""

    def key_counts(self) -> dict[tuple[str, str, str], int]:
        """Return how many keys there are, by pipeline, step and state. It reads the whole table: ask now and then."""
        wanted = select(_keys.pipeline, _keys.step, _keys.state, func.count())
        rows = self._all(wanted.group_by(_keys.pipeline, _keys.step, _keys.state))
        return {(pipeline, step, state): number for pipeline, step, state, number in rows}

    def newest_published(self) -> dict[str, str]:
        """Return the newest published night of each pipeline that has one."""
        wanted = select(_keys.pipeline, func.max(_keys.partition)).where(_keys.step == PUBLISH, _keys.state == DONE)
        return dict(map(tuple, self._all(wanted.group_by(_keys.pipeline))))

    def spent(self, *, pipeline: str | None = None, first: str, last: str) -> list[SpentKey]:
        """Return what was done for some nights, and what it cost, in the order in which it was finished.

        Args:
            pipeline: Of this one alone; None for all.
            first: Night.
            last: Night, included.
        """
        after = (date.fromisoformat(last) + timedelta(days=1)).isoformat()
        result = _keys.result
        wanted = select(
            _keys.key,
            _keys.pipeline,
            _keys.step,
            _keys.partition,
            result["model_version"].as_string(),
            result["version"].as_string(),
            _keys.identity[("inputs", "trained")].as_string(),
            result[COST].as_json(),
        ).where(_keys.partition >= first, _keys.partition < after, _keys.state == DONE)
        if pipeline is not None:
            wanted = wanted.where(_keys.pipeline == pipeline)
        rows = self._all(wanted.order_by(_keys.finished_at, _keys.key))
        return [
            SpentKey(key, whose, step, partition, scored_by, version, trained, Cost.from_json(cost))
            for key, whose, step, partition, scored_by, version, trained, cost in rows
        ]

    def _all(self, wanted: Select[Any]) -> Sequence[Any]:
        def read(connection: Connection) -> Sequence[Any]:
            return connection.execute(wanted).all()

        return self.do(read)
