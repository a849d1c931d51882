"""A small predictions table, and shard files for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from pipelines.engine.files import written_whole
from pipelines.engine.publication import Published, ShardFile, publish
from pipelines.engine.shard_names import shard_path
from pipelines.engine.storage import here

SCHEMA = pa.schema(
    [pa.field("flight_id", pa.string(), nullable=False), pa.field("score", pa.float64(), nullable=False)]
)


def write_shard(folder: Path, night: str, key: str, scores: dict[str, float], *, fence: int = 1) -> ShardFile:
    """Write one shard's file where the table belongs; no version names it yet."""
    path = shard_path(night, key * 32, fence, 0.0)
    whole = folder / path
    rows = pa.table({"flight_id": list(scores), "score": list(scores.values())}, schema=SCHEMA)
    with written_whole(whole) as temporary:  # several processes may write the same one
        pq.write_table(rows, temporary)
    status = whole.stat()
    return ShardFile(path, status.st_size, len(scores), status.st_mtime_ns // 1_000_000)


def put(
    folder: Path,
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
        here(folder),
        schema,
        night,
        files,
        transaction=transaction,
        fence=fence,
        metadata={"nightshift.rows_in": "7"},
        may_commit=may_commit,
    )


def scores_of(folder: Path, night: str, version: int | None = None) -> dict[str, float]:
    """Read a night through the Delta log, as any reader would; no id may be there twice."""
    rows = DeltaTable(str(folder), version=version).to_pyarrow_table(filters=[("night", "=", night)]).to_pylist()
    found = {row["flight_id"]: row["score"] for row in rows}
    assert len(found) == len(rows)
    return found


def commits_of(folder: Path) -> list[dict[str, Any]]:
    """Return the publications in the table's log, oldest first."""
    return [entry for entry in reversed(DeltaTable(str(folder)).history()) if entry["version"] > 0]
