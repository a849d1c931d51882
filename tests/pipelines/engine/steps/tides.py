"""A small pipeline for tests: which buoys will be flooded? A few columns, and nights of some hundred rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.pipeline import Checks, Gate, Labels, Pipeline, Rows, Window
from pipelines.engine.search import FloatRange, IntRange, Range, Search

SUITES = {
    "tides_rows": "tests.pipelines.engine.steps.tides_rows_suite",
    "tides_labels": "tests.pipelines.engine.steps.tides_labels_suite",
    "tides_kinds_labels": "tests.pipelines.engine.steps.tides_kinds_labels_suite",
}
FEATURES = ["sea", "wind", "depth"]
SCHEMA = pa.schema(
    [
        ("buoy", pa.string()),
        ("sea", pa.string()),
        ("wind", pa.float64()),
        ("depth", pa.int64()),
        ("measured_at", pa.timestamp("us", tz="UTC")),
    ]
)
LABELS = pa.schema([("buoy", pa.string()), ("flooded", pa.int64())])
SEAS = ("baltic", "black", "north")
PER_NIGHT = 300
AS_OF = "2024-03-06"
NIGHTS = ("2024-03-06", "2024-03-07", "2024-03-08")
LABELLED = ("2024-02-29", "2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04", "2024-03-05")


def fit(features: pd.DataFrame, target: np.ndarray, *, trees: int = 12, seed: int = 1) -> object:
    """Fit a small LightGBM booster."""
    import lightgbm

    knobs = {
        "objective": "binary",
        "num_leaves": 7,
        "min_data_in_leaf": 20,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    return lightgbm.train(knobs, lightgbm.Dataset(features, target), num_boost_round=trees)


def fit_searched(
    features: pd.DataFrame, target: np.ndarray, *, leaves: int = 7, rate: float = 0.1, labels: str = "true"
) -> object:
    """Fit a small booster whose knobs can be searched; with some values it learns nothing, or breaks."""
    import lightgbm

    if labels == "broken":
        raise ValueError("these labels break it")
    if labels == "shuffled":
        target = np.random.default_rng(0).permutation(target)
    knobs = {
        "objective": "binary",
        "num_leaves": leaves,
        "learning_rate": rate,
        "min_data_in_leaf": 20,
        "seed": 1,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    return lightgbm.train(knobs, lightgbm.Dataset(features, target), num_boost_round=6)


def searched(*, space: dict[str, Range] | None = None, fit: object = fit_searched, **changes: Any) -> Pipeline:
    """Return the pipeline with a search of a few quick trials."""
    knobs = space or {"leaves": IntRange(3, 15), "rate": FloatRange(0.02, 0.5, log=True)}
    said = {"trials": 5, "folds": 2, "startup": 3, **changes}
    return declare(fit=fit, search=Search(space=knobs, **said))


def fit_linear(features: pd.DataFrame, target: np.ndarray, *, strength: float = 1.0) -> object:
    """Fit a scikit-learn pipeline: text one-hot, the rest scaled, then a logistic regression."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = ColumnTransformer(
        [
            ("text", OneHotEncoder(handle_unknown="ignore"), ["sea"]),
            ("numbers", StandardScaler(), ["wind", "depth"]),
        ]
    )
    return make_pipeline(columns, LogisticRegression(C=strength)).fit(features, target)


def fit_classifier(features: pd.DataFrame, target: np.ndarray) -> object:
    """Fit LightGBM through the estimator that wraps it."""
    import lightgbm

    return lightgbm.LGBMClassifier(n_estimators=8, num_leaves=7, n_jobs=1, verbosity=-1).fit(features, target)


def fit_forest(features: pd.DataFrame, target: np.ndarray) -> object:
    """Fit a scikit-learn model that is made of trees."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
    from sklearn.pipeline import make_pipeline

    trees = [
        ("forest", RandomForestClassifier(n_estimators=5, random_state=1)),
        ("boosting", HistGradientBoostingClassifier(max_iter=5, random_state=1)),
    ]
    numbers = ColumnTransformer([("numbers", "passthrough", ["depth"])])
    return make_pipeline(numbers, VotingClassifier(trees, voting="soft")).fit(features, target)


def fit_unsafely(features: pd.DataFrame, target: np.ndarray) -> object:
    """Fit a pipeline with a function of its own in it, which could do anything when it is loaded."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(_numbers), LogisticRegression()).fit(features, target)


def _numbers(features: pd.DataFrame) -> pd.DataFrame:
    return features[["wind", "depth"]]


def fit_badly(features: pd.DataFrame, target: np.ndarray) -> object:
    """Fit a booster to shuffled labels: it knows nothing."""
    return fit(features, np.random.default_rng(0).permutation(target), trees=2)


def declare(**changes: object) -> Pipeline:
    """Return the pipeline; its suites must be known by then."""
    said = {
        "name": "tides",
        "question": "Which buoys will be flooded?",
        "rows": Rows(columns={name: _word(kind) for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)}),
        "labels": Labels(columns={"buoy": "string", "flooded": "int64"}, target="flooded"),
        "id_columns": ["buoy"],
        "features": FEATURES,
        "fit": fit,
        "checks": Checks(rows="tides_rows", labels="tides_labels", refuse_at_most=0.1),
        "window": Window(nights=6, holdout=3),
        "gate": Gate(metric="roc_auc", threshold=0.6, tolerance=0.02),
        "slices": ["sea"],
    }
    return Pipeline(**{**said, **changes})


def _word(kind: pa.DataType) -> str:
    return "timestamp" if pa.types.is_timestamp(kind) else str(kind)


def make_rows(night: str, *, rows: int = PER_NIGHT, seed: int = 0) -> pd.DataFrame:
    """Return the rows of a night, the same each time; another seed gives another delivery."""
    chance = np.random.default_rng([date.fromisoformat(night).toordinal(), seed])
    return pd.DataFrame(
        {
            "buoy": [f"{night}-{number:05d}" for number in range(rows)],
            "sea": chance.choice(SEAS, rows),
            "wind": chance.normal(0, 1, rows).clip(-4, 4),
            "depth": chance.integers(1, 200, rows),
            "measured_at": datetime.combine(date.fromisoformat(night), datetime.min.time(), tzinfo=UTC),
        }
    )


def make_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what came true: flooded where wind is strong, more so in the north."""
    chance = np.random.default_rng(len(rows))
    lean = 2.5 * rows["wind"] + 1.5 * (rows["sea"] == "north") - 1
    flooded = chance.random(len(rows)) < 1 / (1 + np.exp(-lean))
    return pd.DataFrame({"buoy": rows["buoy"], "flooded": flooded.astype("int64")})


def write(frame: pd.DataFrame, path: Path, *, schema: pa.Schema = SCHEMA, row_group: int = 100) -> Path:
    """Write a frame as one Parquet file with several row groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False), path, row_group_size=row_group)
    return path


def deliver(data: Path) -> None:
    """Write rows of all nights, and labels of those that are over."""
    for night in (*LABELLED, *NIGHTS):
        rows = make_rows(night)
        write(rows, data / "tides" / "rows" / f"{night}.parquet")
        if night in LABELLED:
            write(make_labels(rows), data / "tides" / "labels" / f"{night}.parquet", schema=LABELS)
