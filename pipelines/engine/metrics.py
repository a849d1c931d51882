"""How good are scores? The known metrics of each kind, over everything and per slice. scikit-learn computes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipelines.engine.kinds import Kind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Metric:
    """What is known of a metric.

    Attributes:
        kinds: The kinds of questions that it measures.
        higher_is_better: Whether more is better.
        least: The smallest value that it can have; None where there is no end.
        most: The largest one; likewise.
    """

    kinds: tuple[Kind, ...]
    higher_is_better: bool
    least: float | None = 0.0
    most: float | None = 1.0


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "roc_auc": Metric(("binary",), True),
        "average_precision": Metric(("binary",), True),
        "log_loss": Metric(("binary", "multiclass"), False, most=None),
        "brier_score": Metric(("binary",), False),
        "accuracy": Metric(("multiclass",), True),
        "macro_f1": Metric(("multiclass",), True),
        "roc_auc_ovr": Metric(("multiclass",), True),
        "rmse": Metric(("regression",), False, most=None),
        "mae": Metric(("regression",), False, most=None),
        "median_absolute_error": Metric(("regression",), False, most=None),
        "r2": Metric(("regression",), True, least=None),
    }
)
SMALLEST_SLICE = 200
"""Slices with fewer rows say more about chance than about the model."""


def metrics_for(kind: str) -> tuple[str, ...]:
    """Return the names of the metrics that measure a kind of question."""
    return tuple(name for name, metric in METRICS.items() if kind in metric.kinds)


def metrics_of(target: np.ndarray, score: np.ndarray, kind: Kind = "binary") -> dict[str, float]:
    """Compute every known metric of a kind.

    Args:
        target: For each row, shape (n,): 0 or 1, the value, or the code of the class.
        score: Probability of 1 or predicted value for each row, shape (n,); for classes the probability of each, (n, k).
        kind: What the model answers.

    Returns:
        Metric name to value; empty where it would mean nothing: one class only, or fewer than two rows.
    """
    import numpy as np

    if len(target) < 2 or (kind != "regression" and len(np.unique(target)) < 2):
        return {}
    measured = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}[kind](target, score)
    return {name: float(value) for name, value in measured.items()}


def _binary(target: np.ndarray, score: np.ndarray) -> dict[str, float]:
    from sklearn import metrics as sk

    return {
        "roc_auc": sk.roc_auc_score(target, score),
        "average_precision": sk.average_precision_score(target, score),
        "log_loss": sk.log_loss(target, score, labels=[0, 1]),
        "brier_score": sk.brier_score_loss(target, score),
    }


def _multiclass(target: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """A class is left out of `roc_auc_ovr` where no row, or every row, is of it: there is nothing to rank."""
    import numpy as np
    from sklearn import metrics as sk

    predicted, present = score.argmax(axis=1), np.unique(target)
    return {
        "log_loss": sk.log_loss(target, score, labels=list(range(score.shape[1]))),
        "accuracy": sk.accuracy_score(target, predicted),
        "macro_f1": sk.f1_score(target, predicted, average="macro", zero_division=0.0),
        "roc_auc_ovr": np.mean([sk.roc_auc_score(target == code, score[:, code]) for code in present]),
    }


def _regression(target: np.ndarray, score: np.ndarray) -> dict[str, float]:
    from sklearn import metrics as sk

    return {
        "rmse": sk.root_mean_squared_error(target, score),
        "mae": sk.mean_absolute_error(target, score),
        "median_absolute_error": sk.median_absolute_error(target, score),
        "r2": sk.r2_score(target, score),
    }


def slice_metrics(
    target: np.ndarray, score: np.ndarray, slices: pd.DataFrame, kind: Kind = "binary"
) -> dict[str, dict[str, float]]:
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
            measured = metrics_of(target[here], score[here], kind)
            if measured:
                found[f"{column}={value}"] = {"rows": float(here.sum()), **measured}
    return found


def improvement(metric: str, new: float, old: float) -> float:
    """Return by how much `new` is better than `old` (negative if worse)."""
    return new - old if METRICS[metric].higher_is_better else old - new
