"""Nightshift's way to score a shard: `python -m benchmarks.subjects.ours ROWS MODEL OUTPUT [plain|pyfunc|COMPILED]`.

`plain` and `pyfunc` are words; anything else is the path of what was compiled ahead.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.engine.package import load_scorer
from pipelines.engine.rows import inspect_files
from pipelines.engine.score_form import ScoreForm
from pipelines.engine.scoring import Stamp, score_shard
from pipelines.engine.shards import plan_shards
from pipelines.engine.storage import here
from pipelines.flights import flights

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from pipelines.engine.models import Scorer

ONE_SHARD_BYTES = 10**15
THREADS = 2


class PyfuncScorer:
    """Any MLflow model, asked batch by batch, with its schema enforced."""

    name = "pyfunc"

    def __init__(self, model: Path) -> None:
        import mlflow.pyfunc

        self._model = mlflow.pyfunc.load_model(str(model))
        self._names: list[str] = self._model.metadata.get_input_schema().input_names()

    def predict(self, batch: pa.RecordBatch | pa.Table) -> np.ndarray:
        """Return the probability of 1 for each row, float64, shape (rows,)."""
        score: np.ndarray = self._model.predict(_frame(batch, self._names))
        return score


def _frame(batch: Any, names: list[str]) -> pd.DataFrame:
    """Return pandas columns; text as objects, with one Python string for each distinct value."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name in names:
        column = batch.column(name)
        if pa.types.is_dictionary(column.type):
            values = np.array([*column.dictionary.to_pylist(), None], dtype=object)
            missing = len(values) - 1
            places = column.indices.cast(pa.int32()).fill_null(missing).to_numpy(zero_copy_only=False)
            columns[name] = pd.Series(values[places], dtype=object)
        else:
            columns[name] = column.to_numpy(zero_copy_only=False)
    return pd.DataFrame(columns, copy=False)


def scorer_of(model: Path, how: str) -> Scorer:
    """Open the model in one of the ways."""
    if how == "plain":
        return load_scorer(model)
    if how == "pyfunc":
        return PyfuncScorer(model)
    return load_scorer(model, compiled=Path(how))


def main(rows: Path, model: Path, output: Path, how: str) -> None:
    """Score all rows as one shard."""
    import numpy as np

    files = inspect_files([here(path) for path in sorted(rows.glob("*.parquet"))], flights.rows.columns)
    [shard] = plan_shards(files, ONE_SHARD_BYTES)
    stamp = Stamp("1", "k" * 64, datetime.now(UTC))
    nobody = np.empty(0, dtype=np.int64)
    scorer = scorer_of(model, how)
    scores = score_shard(
        flights, shard, scorer, nobody, stamp, here(output), here(rows), form=ScoreForm(), threads=THREADS
    )
    if scores.warning:
        raise SystemExit(scores.warning)  # the booster stepped in: that is not what was to be measured


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), sys.argv[4] if len(sys.argv) > 4 else "plain")
