"""How good are scores? The known metrics of each kind, over everything and per slice. scikit-learn computes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

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
_Measures = Mapping[str, Callable[[], Any]]
SMALLEST_SLICE = 200
"""Slices with fewer rows say more about chance than about the model."""


def metrics_for(kind: str) -> tuple[str, ...]:
    """Return the names of the metrics that measure a kind of question."""
    return tuple(name for name, metric in METRICS.items() if kind in metric.kinds)


def metrics_of(
    target: np.ndarray, score: np.ndarray, kind: Kind = "binary", *, only: Collection[str] | None = None
) -> dict[str, float]:
    """Compute the known metrics of a kind.

    Args:
        target: For each row, shape (n,): 0 or 1, the value, or the code of the class.
        score: Probability of 1 or predicted value for each row, shape (n,); for classes the probability of each, (n, k).
        kind: What the model answers.
        only: The metrics that are wanted; None for all.

    Returns:
        Metric name to value; empty where it would mean nothing: one class only, or fewer than two rows.
    """
    import numpy as np

    if len(target) < 2 or (kind != "regression" and len(np.unique(target)) < 2):
        return {}
    known = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}[kind](target, score)
    return {name: float(measure()) for name, measure in known.items() if only is None or name in only}


def _binary(target: np.ndarray, score: np.ndarray) -> _Measures:
    from sklearn import metrics as sk

    return {
        "roc_auc": lambda: sk.roc_auc_score(target, score),
        "average_precision": lambda: sk.average_precision_score(target, score),
        "log_loss": lambda: sk.log_loss(target, score, labels=[0, 1]),
        "brier_score": lambda: sk.brier_score_loss(target, score),
    }


def _multiclass(target: np.ndarray, score: np.ndarray) -> _Measures:
    """A class is left out of `roc_auc_ovr` where no row, or every row, is of it: there is nothing to rank."""
    import numpy as np
    from sklearn import metrics as sk

    predicted, present = score.argmax(axis=1), np.unique(target)
    return {
        "log_loss": lambda: sk.log_loss(target, score, labels=list(range(score.shape[1]))),
        "accuracy": lambda: sk.accuracy_score(target, predicted),
        "macro_f1": lambda: sk.f1_score(target, predicted, average="macro", zero_division=0.0),
        "roc_auc_ovr": lambda: np.mean([sk.roc_auc_score(target == code, score[:, code]) for code in present]),
    }


def _regression(target: np.ndarray, score: np.ndarray) -> _Measures:
    from sklearn import metrics as sk

    return {
        "rmse": lambda: sk.root_mean_squared_error(target, score),
        "mae": lambda: sk.mean_absolute_error(target, score),
        "median_absolute_error": lambda: sk.median_absolute_error(target, score),
        "r2": lambda: sk.r2_score(target, score),
    }


def slices_of(slices: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Yield `column=value` and which rows have it, for each value of each slice column with enough rows, in their order."""
    for column in slices.columns:
        values = slices[column].astype("string").fillna("missing")
        for value in sorted(values.unique()):
            here = (values == value).to_numpy()
            if here.sum() >= SMALLEST_SLICE:
                yield f"{column}={value}", here


def improvement(metric: str, new: float, old: float) -> float:
    """Return by how much `new` is better than `old` (negative if worse)."""
    return new - old if METRICS[metric].higher_is_better else old - new
