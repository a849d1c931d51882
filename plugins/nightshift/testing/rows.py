"""Rows and labels made of a pipeline's declaration, and the files that they are delivered in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine.pipeline import Pipeline

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

WORDS = ("amber", "birch", "cedar", "dune", "ember")
"""Values of text columns that name no row."""
DAY = timedelta(days=1)


def make_rows(pipeline: Pipeline, night: str, *, rows: int = 50, seed: int = 0) -> pd.DataFrame:
    """Make up the rows of a night by the declared column types: the same ones each time, with unique ids.

    Types are all that it knows. Where a suite asks for more, such as a range, overwrite the column.

    Args:
        pipeline: Whose.
        night: Such as `2013-11-19`; ids and times belong to it.
        rows: How many.
        seed: Another one gives other values under the same ids.
    """
    return _frame(pipeline, pipeline.rows.columns, night, rows, seed)


def make_labels(pipeline: Pipeline, rows: pd.DataFrame, *, night: str = "2013-01-01", seed: int = 0) -> pd.DataFrame:
    """Make up what came true for some rows: under their ids, with a target that is an event or none by turns.

    Args:
        pipeline: Whose.
        rows: Rows with the id columns.
        night: Times in the labels belong to it.
        seed: Another one gives other values.
    """
    labels = _frame(pipeline, pipeline.labels.columns, night, len(rows), seed)
    for name in pipeline.id_columns:
        labels[name] = rows[name].to_numpy()
    target = pipeline.labels.target
    if pipeline.labels.columns[target] in ("int64", "bool"):
        labels[target] = [row % 2 for row in range(len(rows))]
    return labels


def as_table(frame: pd.DataFrame, columns: Mapping[str, str]) -> pa.Table:
    """Return a frame as Arrow, with the declared types where a column can have them."""
    import pyarrow as pa

    return pa.table({str(name): _column(frame[name], columns.get(str(name))) for name in frame.columns})


def write_frame(frame: pd.DataFrame, columns: Mapping[str, str], path: Path) -> Path:
    """Write a frame as a Parquet file, with the declared types where a column can have them."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(as_table(frame, columns), path)
    return path


def _frame(pipeline: Pipeline, columns: Mapping[str, str], night: str, rows: int, seed: int) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    chance = np.random.default_rng([date.fromisoformat(night).toordinal(), seed])
    made = {name: _values(name, kind, pipeline, night, rows, chance) for name, kind in columns.items()}
    return pd.DataFrame(made)


def _values(name: str, kind: str, pipeline: Pipeline, night: str, rows: int, chance: np.random.Generator) -> Any:
    if name in pipeline.id_columns and kind in ("string", "int64"):
        return [f"{night}-{row:06d}" for row in range(rows)] if kind == "string" else list(range(rows))
    return _MADE[kind](night, rows, chance)


def _times(night: str, rows: int, chance: np.random.Generator) -> list[datetime]:
    begins = datetime.combine(date.fromisoformat(night), datetime.min.time(), tzinfo=UTC)
    return [begins + DAY * float(part) for part in chance.random(rows).round(4)]


_MADE: dict[str, Callable[[str, int, Any], Any]] = {
    "string": lambda night, rows, chance: chance.choice(WORDS, rows),
    "int64": lambda night, rows, chance: chance.integers(1, 100, rows),
    "double": lambda night, rows, chance: chance.normal(0, 1, rows).round(6),
    "bool": lambda night, rows, chance: chance.random(rows) < 0.5,
    "timestamp": _times,
}


def _column(values: pd.Series, kind: str | None) -> pa.Array:
    import pyarrow as pa

    kinds = {
        "string": pa.string(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    try:
        return pa.Array.from_pandas(values, type=kinds.get(kind or ""))
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # a wrong file is what the test wants to deliver
        return pa.Array.from_pandas(values)
