"""Learn from a window of past nights: join rows and labels, fit on the older nights, measure on the newest ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import DataError, FitFailed
from pipelines.engine.metrics import metrics_of
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.rows import NightFile, read_table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

NIGHT = "__night"
"""The column that says which night a row of a window belongs to; no declared column is called so."""


@dataclass(frozen=True)
class Learnable:
    """Rows whose labels are known.

    Attributes:
        table: The rows' columns, ordered by night and ids.
        target: 0 or 1 for each row, int64, shape (rows,).
    """

    table: pa.Table
    target: np.ndarray

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.target)


def read_window(nights: Sequence[tuple[str, Sequence[NightFile]]], columns: Sequence[str]) -> pa.Table:
    """Read a window's files, night by night, with the night as a column; row positions follow this order."""
    import pyarrow as pa

    tables = []
    for night, files in nights:
        for file in files:
            table = read_table(file, columns)
            tables.append(table.append_column(NIGHT, pa.repeat(pa.scalar(night), table.num_rows)))
    return pa.concat_tables(tables)


def without_positions(table: pa.Table, refused: np.ndarray) -> pa.Table:
    """Return a table without the rows at some positions."""
    import numpy as np
    import pyarrow as pa

    keep = np.ones(table.num_rows, dtype=bool)
    keep[refused] = False
    return table.filter(pa.array(keep))


def join_labels(pipeline: Pipeline, rows: pa.Table, labels: pa.Table) -> Learnable:
    """Give each row the label of its ids in the same night; rows without one are left out.

    Args:
        pipeline: Says what the ids and the target are.
        rows: With the night as `NIGHT`.
        labels: Likewise.

    Raises:
        DataError: No row has a label, a row has two, or a label is neither 0 nor 1.
    """
    import duckdb

    ids = ", ".join(_quoted(name) for name in pipeline.id_columns)
    keys = f"{_quoted(NIGHT)}, {ids}"
    target = pipeline.labels.target
    twice = f"SELECT count(*) FROM (SELECT {keys} FROM labels GROUP BY ALL HAVING count(*) > 1)"  # noqa: S608 - quoted
    join = (
        f'SELECT rows.*, CAST(labels.{_quoted(target)} AS BIGINT) AS "__target" '  # noqa: S608 - quoted
        f"FROM rows JOIN labels USING ({keys}) ORDER BY {keys}"
    )
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        connection.register("labels", labels)
        (doubled,) = connection.sql(twice).fetchall()[0]
        joined = connection.sql(join).to_arrow_table()
    values = joined["__target"].to_numpy()
    if not len(values):
        raise DataError(
            f"no row of {pipeline.name} has a label: the ids of rows and labels ({ids}) have nothing in common in any night"
        )
    if doubled:
        raise DataError(
            f"{doubled} ids ({ids}) of {pipeline.name} have two labels or more; deliver one label for each row"
        )
    wrong = int(((values != 0) & (values != 1)).sum()) if values.dtype.kind == "i" else len(values)
    if wrong:
        raise DataError(f"{wrong} labels in {target!r} of {pipeline.name} are neither 0 nor 1")
    return Learnable(joined.drop_columns(["__target"]), values)


def _quoted(column: str) -> str:
    """Return a column's name as SQL: names cannot be parameters."""
    return '"' + column.replace('"', '""') + '"'


def split(data: Learnable, holdout: Sequence[str]) -> tuple[Learnable, Learnable]:
    """Split by time: the holdout nights apart from the older ones.

    Raises:
        DataError: One side is empty, or the older side knows one class only.
    """
    import numpy as np
    import pyarrow as pa

    late = np.isin(data.table[NIGHT].to_numpy(zero_copy_only=False), list(holdout))
    sides = [Learnable(data.table.filter(pa.array(side)), data.target[side]) for side in (~late, late)]
    for side, name in zip(sides, ("before the holdout", "in the holdout"), strict=True):
        if not side.rows:
            raise DataError(
                f"no labelled row {name} ({holdout[0]}..{holdout[-1]}); deliver more nights or change the window"
            )
    if len(np.unique(sides[0].target)) < 2:
        raise DataError(
            f"all labels before the holdout are {sides[0].target[0]}; a model needs both classes to learn from"
        )
    return sides[0], sides[1]


def fit_model(pipeline: Pipeline, data: Learnable, encoding: Encoding) -> object:
    """Call the pipeline's `fit`.

    Raises:
        FitFailed: It raised, or gave back nothing.
    """
    try:
        model: object = pipeline.fit(encoding.frame(data.table), data.target, **pipeline.parameters)
    except Exception as error:
        raise FitFailed(f"fit of {pipeline.name} raised {type(error).__name__}: {error} ({data.rows} rows)") from error
    if model is None:
        raise FitFailed(f"fit of {pipeline.name} gave back None; end it with `return model`")
    return model


def baseline_metrics(train_target: np.ndarray, holdout_target: np.ndarray) -> dict[str, float]:
    """Measure the best guess without a model: the base rate of the training rows, for every holdout row."""
    import numpy as np

    return metrics_of(holdout_target, np.full(len(holdout_target), train_target.mean()))


def score_profile(score: np.ndarray, bins: int) -> list[float]:
    """Return the share of scores in equal bins from 0 to 1."""
    import numpy as np

    counts = np.histogram(score, bins=bins, range=(0.0, 1.0))[0]
    return [float(share) for share in np.round(counts / max(1, counts.sum()), 9)]


def night_means(data: Learnable, score: np.ndarray) -> dict[str, float]:
    """Return the number of nights, and the mean and standard deviation of their mean scores."""
    import pandas as pd

    means = pd.Series(score).groupby(data.table[NIGHT].to_pandas()).mean()
    deviation = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    return {"nights": len(means), "mean": round(float(means.mean()), 9), "deviation": round(deviation, 9)}


def flat_metrics(prefix: str, metrics: dict[str, Any]) -> dict[str, float]:
    """Prefix metric names: `slice.origin=EWR.roc_auc`."""
    return {f"{prefix}{name}": float(value) for name, value in metrics.items()}
