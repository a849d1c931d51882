"""Small boosters of many kinds, on data with everything that is odd in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.engine.encoding import Encoding
from pipelines.engine.package import write_package

LETTERS = tuple("abcdefghijkl")
ENCODING = Encoding(("letter", "size", "count", "sign"), {"letter": LETTERS})
KINDS = {
    "usual": {},
    "without missing values": {"use_missing": False},
    "zero means missing": {"zero_as_missing": True},
    "two leaves": {"num_leaves": 2},
    "one leaf": {"min_data_in_leaf": 100_000},
    "many leaves": {"num_leaves": 60, "min_data_in_leaf": 2},
    "letters one by one": {"max_cat_to_onehot": 50},
    "cross entropy": {"objective": "cross_entropy"},
    "another sigmoid": {"sigmoid": 2.0},
    "a forest": {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
}


def data(rows: int = 3000) -> tuple[pd.DataFrame, np.ndarray]:
    """Return features and target."""
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "letter": pd.Categorical(chance.choice(LETTERS, rows), categories=LETTERS),
            "size": chance.normal(size=rows),
            "count": chance.integers(0, 5, rows).astype(float),
            "sign": chance.choice([0.0, 1.0, 2.0, -1.0], rows),
        }
    )
    frame.loc[chance.random(rows) < 0.2, "size"] = np.nan
    frame.loc[chance.random(rows) < 0.1, "letter"] = None
    high = frame["size"].fillna(0) > 0.3
    return frame, (high ^ frame["letter"].isin(list("ace")) ^ (frame["sign"] > 0)).astype(int).to_numpy()


def package(folder: Path, **knobs: object) -> Path:
    """Fit a booster, and write its package."""
    import lightgbm

    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1, **knobs}
    folder.mkdir(parents=True)
    write_package(folder, lightgbm.train(settings, lightgbm.Dataset(*data()), num_boost_round=10), ENCODING, {})
    return folder
