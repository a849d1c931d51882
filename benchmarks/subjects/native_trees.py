"""LightGBM in a script written by hand, as fast as we know how to write it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 131_072


def batches(rows: Path, columns: list[str], texts: list[str]) -> Iterator[pa.RecordBatch]:
    """Read with dictionaries for text."""
    for path in sorted(rows.glob("*.parquet")):
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            yield from file.iter_batches(BATCH, columns=columns)


def matrix(batch: pa.RecordBatch, features: list[str], codes: dict[str, dict[str, int]]) -> np.ndarray:
    """Return float64 with codes for text, NaN for what is missing or unknown."""
    values = np.empty((batch.num_rows, len(features)))
    for place, name in enumerate(features):
        column = batch.column(name)
        if name not in codes:
            values[:, place] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
            continue
        known = [codes[name].get(value, np.nan) for value in column.dictionary.to_pylist()]
        indices = column.indices.cast(pa.int32()).fill_null(len(known)).to_numpy(zero_copy_only=False)
        values[:, place] = np.array([*known, np.nan])[indices]
    return values


def main(rows: Path, package: Path, output: Path) -> None:
    """Read, predict and write; the next batch is read while one is predicted."""
    encoding: dict[str, Any] = json.loads((package / "encoding.json").read_text())
    features: list[str] = encoding["features"]
    codes = {name: {value: code for code, value in enumerate(known)} for name, known in encoding["categories"].items()}
    booster = lightgbm.Booster(model_file=str(package / "model.txt"))
    schema = pa.schema([("flight_id", pa.string()), ("score", pa.float64())])
    source = batches(rows, ["flight_id", *features], list(codes))

    def read() -> tuple[pa.Array, np.ndarray] | None:
        batch = next(source, None)
        return None if batch is None else (batch.column("flight_id"), matrix(batch, features, codes))

    with ThreadPoolExecutor(1) as reader, pq.ParquetWriter(output, schema, compression="zstd") as writer:
        coming = reader.submit(read)
        while (found := coming.result()) is not None:
            coming = reader.submit(read)
            ids, values = found
            score = booster.predict(values, num_threads=2, validate_features=False)
            writer.write_batch(pa.record_batch([ids, pa.array(score)], schema=schema))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
