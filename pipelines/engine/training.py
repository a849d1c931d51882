"""Learn from a window of past nights: fit on the older ones, measure on the newest ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from data_checks.profile import build_profile
from pipelines.engine.errors import DataError, FitFailed
from pipelines.engine.labelled import Labelled
from pipelines.engine.metrics import metrics_of
from pipelines.engine.pipeline import Pipeline

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


def check_sides(pipeline: Pipeline, older: Labelled, holdout: Labelled) -> None:
    """Make sure that there is something to learn from and something to measure on.

    Raises:
        DataError: One side is empty, or the older side knows one class only.
    """
    if not older.rows and not holdout.rows:
        ids = ", ".join(f'"{name}"' for name in pipeline.id_columns)
        raise DataError(
            f"no row of {pipeline.name} has a label: the ids of rows and labels ({ids}) have nothing in common in any night"
        )
    held = [night for night, _ in holdout.nights]
    for side, name in ((older, "before the holdout"), (holdout, "in the holdout")):
        if not side.rows:
            raise DataError(f"no labelled row {name} ({held[0]}..{held[-1]}); deliver more nights or change the window")
    if older.target.min() == older.target.max():
        raise DataError(
            f"all labels before the holdout are {older.target[0]}; a model needs both classes to learn from"
        )


def fit_model(pipeline: Pipeline, features: pd.DataFrame, target: np.ndarray, parameters: Mapping[str, Any]) -> object:
    """Call the pipeline's `fit`.

    Args:
        pipeline: Whose.
        features: The only copy of the features, if the caller keeps no other.
        target: 0 or 1 for each row.
        parameters: A value for each knob.

    Raises:
        FitFailed: It raised, or gave back nothing.
    """
    rows = len(target)
    try:
        model: object = pipeline.fit(features, target, **parameters)
    except Exception as error:
        raise FitFailed(f"fit of {pipeline.name} raised {type(error).__name__}: {error} ({rows} rows)") from error
    if model is None:
        raise FitFailed(f"fit of {pipeline.name} gave back None; end it with `return model`")
    return model


def feature_profile(table: pa.Table, features: Sequence[str]) -> dict[str, Any]:
    """Return the training profile of some columns, made one column after the other: no frame of all of them is needed."""
    whole = build_profile(table.select([]).to_pandas(), [])
    for name in features:
        whole["columns"].update(build_profile(table.select([name]).to_pandas(), [name])["columns"])
    return {**whole, "rows": table.num_rows}


def baseline_metrics(train_target: np.ndarray, holdout_target: np.ndarray) -> dict[str, float]:
    """Measure the best guess without a model: the base rate of the training rows, for every holdout row."""
    import numpy as np

    return metrics_of(holdout_target, np.full(len(holdout_target), train_target.mean()))


def score_profile(score: np.ndarray, bins: int) -> list[float]:
    """Return the share of scores in equal bins from 0 to 1."""
    import numpy as np

    counts = np.histogram(score, bins=bins, range=(0.0, 1.0))[0]
    return [float(share) for share in np.round(counts / max(1, counts.sum()), 9)]


def night_means(data: Labelled, score: np.ndarray) -> dict[str, float]:
    """Return the number of nights with rows, and the mean and standard deviation of their mean scores."""
    import numpy as np
    import pandas as pd

    night = np.repeat(np.arange(len(data.nights)), [rows for _, rows in data.nights])
    means = pd.Series(score).groupby(night).mean()
    deviation = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    return {"nights": len(means), "mean": round(float(means.mean()), 9), "deviation": round(deviation, 9)}


def flat_metrics(prefix: str, metrics: dict[str, Any]) -> dict[str, float]:
    """Prefix metric names: `slice.origin=EWR.roc_auc`."""
    return {f"{prefix}{name}": float(value) for name, value in metrics.items()}
