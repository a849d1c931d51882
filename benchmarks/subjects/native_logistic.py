"""Logistic regression in a script written by hand: a table for each text, a line for each number, blocks that fit the cache.

`MODEL` is a package, which is opened with scikit-learn to take its weights, as everybody else must; or these weights in an `.npz`
file, exported beforehand: then nothing but numpy and Arrow is imported.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 131_072
BLOCK = 8_192
THREADS = 2


def batches(rows: Path, columns: list[str], texts: list[str]) -> Iterator[pa.RecordBatch]:
    """Read with dictionaries for text."""
    for path in sorted(rows.glob("*.parquet")):
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            yield from file.iter_batches(BATCH, columns=columns, use_threads=False)


def score(batch: pa.RecordBatch, weights: dict[str, Any], texts: list[str], numbers: list[str]) -> np.ndarray:
    """Return the probabilities of a batch."""
    looked_up = []
    for name in texts:
        column, known = batch.column(name), weights[f"text:{name}"]
        place = {value: code for code, value in enumerate(weights[f"values:{name}"])}
        table = [known[place[v]] if v in place else 0.0 for v in column.dictionary.to_pylist()]
        indices = column.indices.cast(pa.int32()).fill_null(len(table)).to_numpy(zero_copy_only=False)
        looked_up.append((np.array([*table, known[-1]]), indices))
    columns = [
        (batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), *weights[f"number:{name}"])
        for name in numbers
    ]
    result = np.empty(batch.num_rows)
    for start in range(0, batch.num_rows, BLOCK):
        block = slice(start, start + BLOCK)
        total = np.full(len(result[block]), weights["bias"][0])
        for table, indices in looked_up:
            total += table[indices[block]]
        for values, slope, intercept, missing in columns:
            term = values[block] * slope
            term += intercept
            np.copyto(term, missing, where=np.isnan(term))
            total += term
        np.negative(total, out=total)
        np.exp(total, out=total)
        total += 1.0
        np.divide(1.0, total, out=result[block])
    return result


def weights_of(fitted: Any, categories: dict[str, Any]) -> dict[str, Any]:
    """Return the weights of a fitted pipeline as arrays: a table for each text feature, a line for each number.

    Args:
        fitted: `make_pipeline(make_column_transformer((OneHotEncoder, texts), (impute and scale, numbers)), LogisticRegression)`.
        categories: Values of each text feature, in the order of their codes.

    Returns:
        `text:<name>`: weights by code, and at the end that of a missing value; `values:<name>`: the texts; `number:<name>`: slope,
        intercept, and what a missing number adds; `bias`.
    """
    columns, regression = fitted[0], fitted[-1]
    (_, one_hot, texts), (_, scaled, numbers) = columns.transformers_[:2]
    weights, start = regression.coef_[0], 0
    arrays: dict[str, Any] = {"bias": regression.intercept_}
    for name, known in zip(texts, one_hot.categories_, strict=True):
        by_value = {str(value): weights[start + place] for place, value in enumerate(known)}
        missing = by_value.pop("nan", 0.0)
        arrays[f"text:{name}"] = np.array([*(by_value.get(value, 0.0) for value in categories[name]), missing])
        arrays[f"values:{name}"] = np.array(categories[name])
        start += len(known)
    means, scaler = scaled[0].statistics_, scaled[1]
    slopes = weights[start:] / scaler.scale_
    for place, name in enumerate(numbers):
        intercept = -scaler.mean_[place] * slopes[place]
        arrays[f"number:{name}"] = np.array([slopes[place], intercept, means[place] * slopes[place] + intercept])
    return arrays


def read_weights(model: Path) -> dict[str, Any]:
    """Read them from a package or from an `.npz` file."""
    if model.suffix == ".npz":
        with np.load(model) as stored:
            return dict(stored)
    import json

    from skops import io

    file = model / "model.skops"
    fitted = io.load(file, trusted=io.get_untrusted_types(file=file))
    return weights_of(fitted, json.loads((model / "encoding.json").read_text())["categories"])


def main(rows: Path, model: Path, output: Path) -> None:
    """Read, predict in two threads, and write in order."""
    weights = read_weights(model)
    texts = [name.removeprefix("text:") for name in weights if name.startswith("text:")]
    numbers = [name.removeprefix("number:") for name in weights if name.startswith("number:")]
    for name in texts:
        weights[f"values:{name}"] = weights[f"values:{name}"].tolist()
    schema = pa.schema([("flight_id", pa.string()), ("score", pa.float64())])
    waiting: deque[tuple[pa.Array, Future[np.ndarray]]] = deque()
    with ThreadPoolExecutor(THREADS) as threads, pq.ParquetWriter(output, schema, compression="zstd") as writer:

        def write_first() -> None:
            ids, coming = waiting.popleft()
            writer.write_batch(pa.record_batch([ids, pa.array(coming.result())], schema=schema))

        for batch in batches(rows, ["flight_id", *texts, *numbers], texts):
            waiting.append((batch.column("flight_id"), threads.submit(score, batch, weights, texts, numbers)))
            if len(waiting) > THREADS:
                write_first()
        while waiting:
            write_first()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
