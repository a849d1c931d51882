"""Learn from a window of past nights: fit on the older ones, measure on the newest ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_checks.profile import build_profile
from pipelines.engine.errors import DataError, FitFailed
from pipelines.engine.labelled import Labelled
from pipelines.engine.package import load_scorer, write_package
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.score_form import ScoreForm, regression_edges

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from pipelines.engine.encoding import Encoding

MOST_CLASSES = 1000
MOST_SLICES = 40
"""So many are kept in a training's result, which travels from task to task."""


def check_sides(pipeline: Pipeline, older: Labelled, holdout: Labelled) -> None:
    """Make sure that there is something to learn from and something to measure on.

    Raises:
        DataError: One side is empty, or the older side knows one label only, or too many classes.
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
    if is_constant(older.target):
        needs = {"binary": "both classes", "multiclass": "two classes or more", "regression": "different values"}
        raise DataError(
            f"all labels before the holdout are {older.target[0]}; a model needs {needs[pipeline.kind]} to learn from"
        )
    if pipeline.kind == "multiclass" and len(set(older.target.tolist())) > MOST_CLASSES:
        raise DataError(
            f"{pipeline.labels.target!r} of {pipeline.name} has more than {MOST_CLASSES} classes before the holdout, and the "
            "probability of each is published for each row. Declare a column with fewer, or kind='regression'."
        )


def is_constant(target: np.ndarray) -> bool:
    """Whether all labels are the same."""
    return bool((target == target[0]).all())


def fit_model(pipeline: Pipeline, features: pd.DataFrame, target: np.ndarray, parameters: Mapping[str, Any]) -> object:
    """Call the pipeline's `fit`.

    Args:
        pipeline: Whose.
        features: The only copy of the features, if the caller keeps no other.
        target: 0 or 1, the value, or the code of the class of each row.
        parameters: A value for each knob.

    Raises:
        FitFailed: It raised, or gave back nothing.
    """
    rows = len(target)
    try:
        model: object = pipeline.fit(features, target, **parameters)
    except Exception as error:
        if not set(pipeline.rows.sensitive).isdisjoint(pipeline.features):
            raise FitFailed(
                f"fit of {pipeline.name} raised {type(error).__name__} ({rows} rows). What it said is not shown: it could "
                "tell values of a sensitive feature. Call `fit` yourself, on rows that may be seen, to read it."
            ) from None
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


def baseline_scores(form: ScoreForm, target: np.ndarray, rows: int) -> np.ndarray:
    """Return the best guess without a model for so many rows: the training's base rate, mean or class shares."""
    import numpy as np

    codes = form.codes(target)
    if form.kind == "multiclass":
        return np.tile(np.bincount(codes, minlength=len(form.classes)) / len(codes), (rows, 1))
    return np.full(rows, codes.mean())


def score_profile(form: ScoreForm, score: np.ndarray) -> list[float]:
    """Return the share of published scores in each bin."""
    import numpy as np

    counts = form.histogram(score)
    return [float(share) for share in np.round(counts / max(1, counts.sum()), 9)]


def night_means(data: Labelled, score: np.ndarray) -> dict[str, float]:
    """Return the number of nights with rows, and the mean and standard deviation of their mean scores."""
    import numpy as np
    import pandas as pd

    night = np.repeat(np.arange(len(data.nights)), [rows for _, rows in data.nights])
    means = pd.Series(score).groupby(night).mean()
    deviation = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    return {"nights": len(means), "mean": round(float(means.mean()), 9), "deviation": round(deviation, 9)}


def write_with_profile(
    folder: Path, model: object, encoding: Encoding, form: ScoreForm, features: dict[str, Any], holdout: Labelled
) -> tuple[ScoreForm, np.ndarray]:
    """Write a fitted model's package with the profile that nights are held against.

    Args:
        folder: Of the package.
        model: What `fit` gave.
        encoding: Of its features.
        form: Of its scores.
        features: How the features were distributed; see `feature_profile`.
        holdout: Rows that it has not seen.

    Returns:
        The form, with the edges of a regression's bins, and the holdout's scores as the packaged model gives them.

    Raises:
        ModelError: The scores are none that its kind can have.
    """
    write_package(folder, model, encoding, {}, form)
    scores = form.checked(load_scorer(folder).predict(holdout.table), holdout.rows)
    edges = {}
    if form.kind == "regression":
        form = replace(form, edges=regression_edges(scores))
        edges = {"score_edges": list(form.edges)}
    profile = {
        "features": features,
        "score": score_profile(form, form.score(scores)),
        "score_nights": night_means(holdout, form.score(scores)),
        **edges,
    }
    write_package(folder, model, encoding, profile, form)
    return form, scores


def flat_metrics(prefix: str, metrics: dict[str, Any]) -> dict[str, float]:
    """Prefix metric names: `slice.origin=EWR.roc_auc`."""
    return {f"{prefix}{name}": float(value) for name, value in metrics.items()}


def largest_slices(slices: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the slices with the most rows, in the order in which they came."""
    largest = sorted(slices, key=lambda name: -int(slices[name]["rows"]))[:MOST_SLICES]
    return {name: measured for name, measured in slices.items() if name in largest}
