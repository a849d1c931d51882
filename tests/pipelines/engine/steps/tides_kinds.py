"""The small pipeline with other questions: how high will the water be, and what will the sea look like?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.engine.pipeline import Checks, Gate, Labels, Pipeline
from tests.pipelines.engine.steps import tides

CLASSES = ("calm", "rough", "wild")
QUIET = {"seed": 1, "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1}
HEIGHTS = pa.schema([("buoy", pa.string()), ("height", pa.float64())])
LOOKS = pa.schema([("buoy", pa.string()), ("look", pa.string())])
CHECKS = Checks(rows="tides_rows", labels="tides_kinds_labels", refuse_at_most=0.1)


def fit_height(features: pd.DataFrame, target: np.ndarray, *, trees: int = 20) -> object:
    """Fit a booster to heights."""
    import lightgbm

    knobs = {"objective": "regression", "num_leaves": 7, "min_data_in_leaf": 20, **QUIET}
    return lightgbm.train(knobs, lightgbm.Dataset(features, target), num_boost_round=trees)


def fit_height_linear(features: pd.DataFrame, target: np.ndarray) -> object:
    """Fit scikit-learn's regression to heights."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    numbers = ColumnTransformer([("numbers", "passthrough", ["wind", "depth"])])
    return make_pipeline(numbers, LinearRegression()).fit(features, target)


def fit_look(features: pd.DataFrame, target: np.ndarray, *, trees: int = 12) -> object:
    """Fit a booster to as many classes as there are."""
    import lightgbm

    classes = {"objective": "multiclass", "num_class": int(target.max()) + 1}
    knobs = {**classes, "num_leaves": 7, "min_data_in_leaf": 20, **QUIET}
    return lightgbm.train(knobs, lightgbm.Dataset(features, target), num_boost_round=trees)


def fit_look_linear(features: pd.DataFrame, target: np.ndarray) -> object:
    """Fit scikit-learn's classifier to as many classes as there are."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    numbers = ColumnTransformer([("numbers", "passthrough", ["wind"])])
    return make_pipeline(numbers, PolynomialFeatures(2), LogisticRegression()).fit(features, target)


def heights(**changes: Any) -> Pipeline:
    """Declare the regression."""
    said = {
        "kind": "regression",
        "labels": Labels(columns={"buoy": "string", "height": "double"}, target="height"),
        "fit": fit_height,
        "checks": CHECKS,
        "gate": Gate(metric="rmse", threshold=2.0, tolerance=0.1),
    }
    return tides.declare(**{**said, **changes})


def looks(**changes: Any) -> Pipeline:
    """Declare the classes."""
    said = {
        "kind": "multiclass",
        "labels": Labels(columns={"buoy": "string", "look": "string"}, target="look"),
        "fit": fit_look,
        "checks": CHECKS,
        "gate": Gate(metric="accuracy", threshold=0.6, tolerance=0.02),
    }
    return tides.declare(**{**said, **changes})


def height_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how high the water was: higher with the wind, from below zero to far above one."""
    chance = np.random.default_rng(len(rows))
    return pd.DataFrame({"buoy": rows["buoy"], "height": 10 * rows["wind"] + 5 + chance.normal(0, 1, len(rows))})


def look_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what the sea looked like."""
    chance = np.random.default_rng(len(rows))
    wind = rows["wind"].abs() + chance.normal(0, 0.1, len(rows))
    return pd.DataFrame({"buoy": rows["buoy"], "look": np.array(CLASSES)[np.digitize(wind, (0.5, 1.5))]})


def deliver_labels(place: Any, labels: Any, schema: pa.Schema) -> None:
    """Put labels of another kind in the place of the usual ones."""
    for night in tides.LABELLED:
        tides.write(labels(tides.make_rows(night)), place.labels(night), schema=schema)
