"""A small predictions table, and shard files for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from pipelines.engine.publication.delta import Published, ShardFile, publish
from pipelines.engine.publication.names import shard_path
from pipelines.engine.storage import Location, here

SCHEMA = pa.schema(
    [pa.field("flight_id", pa.string(), nullable=False), pa.field("score", pa.float64(), nullable=False)]
)


def write_shard(
    folder: Path | Location, night: str, key: str, scores: dict[str, float], *, fence: int = 1
) -> ShardFile:
    """Write one shard's file where the table belongs; no version names it yet."""
    path = shard_path(night, key * 32, fence, 0.0)
    whole = _location(folder) / path
    rows = pa.table({"flight_id": list(scores), "score": list(scores.values())}, schema=SCHEMA)
    with whole.writing() as temporary:  # several processes may write the same one
        pq.write_table(rows, temporary)
    found = whole.find()
    assert found is not None
    return ShardFile(path, found.size, len(scores), found.modified_ns // 1_000_000)


def put(
    folder: Path | Location,
    night: str,
    files: list[ShardFile],
    transaction: str,
    *,
    fence: int = 1,
    may_commit: Callable[[DeltaTable], None] = lambda _table: None,
    schema: pa.Schema = SCHEMA,
) -> Published:
    """Publish with little ceremony."""
    return publish(
        _location(folder),
        schema,
        night,
        files,
        transaction=transaction,
        fence=fence,
        metadata={"nightshift.rows_in": "7"},
        may_commit=may_commit,
    )


def _location(folder: Path | Location) -> Location:
    return folder if isinstance(folder, Location) else here(folder)


def scores_of(folder: Path | Location, night: str, version: int | None = None) -> dict[str, float]:
    """Read a night through the Delta log, as any reader would; no id may be there twice."""
    table = DeltaTable(str(folder), version=version, storage_options=_location(folder).delta_options())
    rows = table.to_pyarrow_table(filters=[("night", "=", night)]).to_pylist()
    found = {row["flight_id"]: row["score"] for row in rows}
    assert len(found) == len(rows)
    return found


def commits_of(folder: Path | Location) -> list[dict[str, Any]]:
    """Return the publications in the table's log, oldest first."""
    table = DeltaTable(str(folder), storage_options=_location(folder).delta_options())
    return [entry for entry in reversed(table.history()) if entry["version"] > 0]
