"""How good are scores? Known metrics for a yes-or-no question, over everything and per slice."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

HIGHER_IS_BETTER: Mapping[str, bool] = MappingProxyType(
    {"roc_auc": True, "average_precision": True, "log_loss": False, "brier_score": False}
)
SMALLEST_SLICE = 200
"""Slices with fewer rows say more about chance than about the model."""


def metrics_of(target: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """Compute every known metric.

    Args:
        target: 0 or 1 for each row, shape (n,).
        score: Probability of 1 for each row, shape (n,).

    Returns:
        Metric name to value; empty where only one class is present, since ranking then means nothing.
    """
    import numpy as np
    from sklearn import metrics as sk

    if len(np.unique(target)) < 2:
        return {}
    return {
        "roc_auc": float(sk.roc_auc_score(target, score)),
        "average_precision": float(sk.average_precision_score(target, score)),
        "log_loss": float(sk.log_loss(target, score, labels=[0, 1])),
        "brier_score": float(sk.brier_score_loss(target, score)),
    }


def slice_metrics(target: np.ndarray, score: np.ndarray, slices: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Compute the metrics for each value of each slice column with enough rows.

    Returns:
        `column=value` to its metrics, with the number of `rows`, in the order of columns and values.
    """
    found: dict[str, dict[str, float]] = {}
    for column in slices.columns:
        values = slices[column].astype("string").fillna("missing")
        for value in sorted(values.unique()):
            here = (values == value).to_numpy()
            if here.sum() < SMALLEST_SLICE:
                continue
            measured = metrics_of(target[here], score[here])
            if measured:
                found[f"{column}={value}"] = {"rows": float(here.sum()), **measured}
    return found


def improvement(metric: str, new: float, old: float) -> float:
    """Return by how much `new` is better than `old` (negative if worse)."""
    return new - old if HIGHER_IS_BETTER[metric] else old - new
