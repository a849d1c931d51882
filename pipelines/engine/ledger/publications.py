"""What the ledger says of published tables, counted where it lies: years of nights are not carried over the line."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.schema import task_keys


def promised_versions(ledger: Database) -> dict[str, int]:
    """Return by pipeline the newest version of its table that the last finished publication of any night names."""
    return ledger.do(_promised_versions)


def _promised_versions(connection: Connection) -> dict[str, int]:
    keys = task_keys.c
    newest_first = func.row_number().over(
        partition_by=(keys.pipeline, keys.partition), order_by=keys.finished_at.desc()
    )
    last = (
        select(keys.pipeline, keys.result["delta_version"].as_integer().label("version"), newest_first.label("number"))
        .where(keys.step == "publish", keys.state == "done")
        .subquery()
    )
    wanted = select(last.c.pipeline, func.max(last.c.version)).where(last.c.number == 1).group_by(last.c.pipeline)
    return {pipeline: version for pipeline, version in connection.execute(wanted) if version is not None}
