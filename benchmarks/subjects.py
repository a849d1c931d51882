"""What is measured, one process each: `python -m benchmarks.subjects SUBJECT FOLDER`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NIGHT = "2013-11-01"


def prepare(folder: Path, rows: int) -> None:
    """Write a model package and one file of `rows` real flights, repeated."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipelines.engine.encoding import Encoding
    from pipelines.engine.package import write_package
    from pipelines.flights import flights

    flights.prepare(folder / "data")  # type: ignore[misc]
    nights = sorted((folder / "data/rows").glob("2013-0[2-9]*.parquet"))
    table = pa.concat_tables([pq.read_table(path) for path in nights])
    encoding = Encoding.learn(table, flights.features, flights.string_features)
    target = (table["departure_minute"].to_numpy() % 97 < 20).astype(int)
    package = folder / "package"
    package.mkdir()
    write_package(package, flights.fit(encoding.frame(table), target, trees=100), encoding, {})
    with pq.ParquetWriter(folder / "rows.parquet", table.schema) as writer:
        while rows > 0:
            part = table.slice(0, min(rows, table.num_rows))
            writer.write_table(part, row_group_size=131_072)
            rows -= part.num_rows


def load(folder: Path) -> None:
    """Import and load what scoring needs, and stop."""
    import pyarrow.parquet  # noqa: F401

    from pipelines.engine.package import load_scorer

    load_scorer(folder / "package")


def stream(folder: Path) -> None:
    """Score as a night does."""
    import numpy as np

    from pipelines.engine.package import load_scorer
    from pipelines.engine.rows import inspect_files
    from pipelines.engine.scoring import Stamp, score_shard
    from pipelines.engine.shards import plan_shards
    from pipelines.engine.storage import here
    from pipelines.flights import flights

    files = inspect_files([here(folder / "rows.parquet")], flights.rows.columns)
    [shard] = plan_shards(files, 10**12)
    stamp = Stamp("1", "k" * 64, datetime.now(UTC))
    none = np.empty(0, dtype=np.int64)
    score_shard(
        flights, shard, load_scorer(folder / "package"), none, stamp, here(folder / "streamed.parquet"), here(folder)
    )


def whole(folder: Path) -> None:
    """Score as templates do: everything into pandas, one predict, one file."""
    import pandas as pd

    from pipelines.engine.package import load_for_frames
    from pipelines.flights import flights

    frame = pd.read_parquet(folder / "rows.parquet")
    scores = load_for_frames(str(folder / "package")).predict_frame(frame[list(flights.features)])
    frame.assign(score=scores)[["flight_id", "score"]].to_parquet(folder / "whole.parquet")


def night_setup(folder: Path) -> None:
    """Make a home with data and a champion."""
    runtime, flights = _open(folder)
    from pipelines.engine.steps.whole import run_training

    flights.prepare(Path(runtime.settings.data) / "flights")
    run_training(runtime, flights, NIGHT, actor="benchmark")


def night(folder: Path) -> None:
    """Run one night."""
    from pipelines.engine.steps.whole import run_night

    runtime, flights = _open(folder)
    run_night(runtime, flights, NIGHT)


def _open(folder: Path) -> Any:
    os.environ["NIGHTSHIFT_HOME"] = str(folder)
    from pipelines.engine.ledger.migrate import migrate
    from pipelines.engine.runtime import open_runtime
    from pipelines.engine.settings import read_settings
    from pipelines.flights import flights

    migrate(read_settings().ledger_url)
    return open_runtime(), flights


if __name__ == "__main__":
    subject, place, *rest = sys.argv[1:]
    if subject == "prepare":
        prepare(Path(place), int(rest[0]))
    else:
        {"load": load, "stream": stream, "whole": whole, "night-setup": night_setup, "night": night}[subject](
            Path(place)
        )
