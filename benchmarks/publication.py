"""How long does a night of 64 shards take to become visible, beyond the writing of its files? `python -m benchmarks.publication`."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.results import Found, Target, print_found

SHARDS = 64
ROWS = 30_000
FIRST = date(2013, 6, 1)
MOST_MS = 100.0


def study(folder: Path, rounds: int) -> Found:
    """Write nights of 64 shards and publish each; a bare Delta commit of as many files beside it.

    Args:
        folder: Empty, for the table and a ledger.
        rounds: Nights.
    """
    from pipelines.engine.ledger.migrate import migrate
    from pipelines.engine.runtime import Runtime
    from pipelines.engine.settings import read_settings
    from pipelines.engine.steps.publish import publish_night
    from pipelines.flights import flights

    settings = read_settings({"NIGHTSHIFT_HOME": str(folder / "home")})
    migrate(settings.ledger_url)
    runtime = _open(Runtime, settings)
    writes, publishes, bare = [], [], []
    for number in range(rounds + 1):  # the first creates the table and imports, and is not counted
        night = (FIRST + timedelta(days=number)).isoformat()
        began = time.perf_counter()
        scored = [_write_shard(runtime.predictions(flights), flights, night, shard) for shard in range(SHARDS)]
        wrote = time.perf_counter()
        rows = SHARDS * ROWS
        checked = {"night": night, "key": f"{number:064x}", "rows_in": rows, "refused": 0}
        publish_night(runtime, flights, checked, scored)
        published = time.perf_counter()
        _commit_bare(folder / "bare", flights, night, scored)
        done = time.perf_counter()
        if number:
            writes.append((wrote - began) * 1000)
            publishes.append((published - wrote) * 1000)
            bare.append((done - published) * 1000)
    rows_found = {
        f"{SHARDS} files of {ROWS:,} rows written": {"ms": statistics.median(writes)},
        "the night published": {"ms": statistics.median(publishes)},
        "the same files in a bare Delta commit": {"ms": statistics.median(bare)},
    }
    reached = statistics.median(publishes)
    return Found(
        f"Publishing a night of {SHARDS} shards",
        rows_found,
        [Target(f"publish of {SHARDS} shards: ms beyond the writes", MOST_MS, reached)],
        [f"median of {rounds} nights, each a commit of its own on one table, with a ledger on SQLite on the same disk"],
    )


def _open(runtime: Any, settings: Any) -> Any:
    from model_registry import Registry
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.storage import Storage

    registry = Registry(settings.tracking_uri, settings.artifacts)
    return runtime(settings, Ledger(settings.ledger_url), registry, Storage(settings.cache))


def _write_shard(table: Any, pipeline: Any, night: str, number: int) -> dict[str, Any]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.engine.publication.names import shard_path
    from pipelines.engine.scoring import output_schema

    schema = output_schema(pipeline)
    chance = np.random.default_rng(number)
    score = chance.random(ROWS)
    whens = pa.array(np.full(ROWS, np.datetime64(night, "us")))
    made = {
        pa.types.is_floating: lambda: pa.array(score),
        pa.types.is_timestamp: lambda: whens,
        pa.types.is_integer: lambda: pa.array(np.arange(ROWS)),
    }
    columns = []
    for field in schema:
        make = next((make for fits, make in made.items() if fits(field.type)), None)
        values = make() if make else pa.array([f"{night}-{number:03}-{row:06}" for row in range(ROWS)])
        columns.append(values.cast(field.type))
    claimed = datetime.now(UTC).timestamp()
    path = shard_path(night, f"{number:032x}" * 2, 1, claimed)
    with (table / path).writing() as temporary:
        pq.write_table(pa.table(columns, schema=schema), temporary, compression="zstd")
    found = (table / path).find()
    return {
        "night": night,
        "number": number,
        "of": SHARDS,
        "path": path,
        "size": found.size,
        "modified_ms": found.modified_ns // 1_000_000,
        "rows_in": ROWS,
        "rows_scored": ROWS,
        "rows_refused": 0,
        "score_sum": float(score.sum()),
        "histogram": np.histogram(score, bins=20, range=(0.0, 1.0))[0].tolist(),
        "model_version": "1",
        "key": f"{number:064x}",
        "planned_at": claimed,
    }


def _commit_bare(folder: Path, pipeline: Any, night: str, scored: list[dict[str, Any]]) -> None:
    """The least that makes the files visible: open the table, add them, and nothing else."""
    import json

    import pyarrow as pa
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction

    from pipelines.engine.scoring import output_schema

    columns = pa.schema([*output_schema(pipeline), pa.field("night", pa.string())])
    table = DeltaTable.create(str(folder), columns, mode="ignore", partition_by=["night"])
    actions = [
        AddAction(
            path=shard["path"],
            size=shard["size"],
            partition_values={"night": night},
            modification_time=shard["modified_ms"],
            data_change=True,
            stats=json.dumps({"numRecords": shard["rows_scored"]}),
        )
        for shard in scored
    ]
    table.create_write_transaction(actions, mode="append", schema=table.schema(), partition_by=["night"])


if __name__ == "__main__":
    print_found(study, rounds=7)
