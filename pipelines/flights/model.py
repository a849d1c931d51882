"""How the flights model learns: boosted trees, because delays hang on combinations of hour, route, weather and carrier."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from lightgbm import Booster


def fit(
    features: pd.DataFrame,
    target: np.ndarray,
    *,
    trees: int = 150,
    learning_rate: float = 0.05,
    num_leaves: int = 15,
    min_data_in_leaf: int = 3000,
    feature_fraction: float = 0.7,
    lambda_l2: float = 10.0,
    seed: int = 7,
) -> Booster:
    """Fit a LightGBM booster that gives the probability of a late flight.

    A night has about 900 flights and one weather for all of them, so a leaf must hold the flights of several nights:
    smaller ones learn nights by heart.

    The same rows and knobs give the same model, bit for bit: one seed, and histograms built in one fixed order.
    """
    import lightgbm

    knobs = {
        "objective": "binary",
        "learning_rate": learning_rate,
        "num_leaves": num_leaves,
        "min_data_in_leaf": min_data_in_leaf,
        "feature_fraction": feature_fraction,
        "lambda_l2": lambda_l2,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 2,
        "verbosity": -1,
    }
    return lightgbm.train(knobs, lightgbm.Dataset(features, target), num_boost_round=trees)
