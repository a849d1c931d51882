"""Pictures of a model: ROC curve, calibration, confusion of classes, predicted against observed, importance. The same values give the same bytes.

Matplotlib's object interface alone: no pyplot, no global figure, no display.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

_INK = "#1f5a94"
_PALE = "#9aa5b1"
_LONGEST_NAME = 32
_MOST_NAMED = 30


def roc_points(y: "ArrayLike", score: "ArrayLike") -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """False and true positive rates, from the highest threshold to the lowest; rows of equal score move together.

    Args:
        y: labels, 1 for positive.
        score: higher means more likely positive.

    Returns:
        Two arrays of the same length that start at 0 and end at 1; empty when a class is missing.
    """
    labels, scores = np.asarray(y, dtype=float), np.asarray(score, dtype=float)
    positives = labels.sum()
    if positives in (0, len(labels)):
        return np.empty(0), np.empty(0)
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1]
    true = np.cumsum(labels[order])[last_of_equals]
    false = last_of_equals + 1 - true
    return np.r_[0.0, false / (len(labels) - positives)], np.r_[0.0, true / positives]


def calibration_points(
    y: "ArrayLike", score: "ArrayLike", bins: int
) -> "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]":
    """Mean score, share of positives and number of rows in bins of equal row counts."""
    labels, scores = np.asarray(y, dtype=float), np.asarray(score, dtype=float)
    groups = [group for group in np.array_split(np.argsort(scores, kind="stable"), bins) if len(group)]
    mean = np.array([scores[group].mean() for group in groups])
    share = np.array([labels[group].mean() for group in groups])
    return mean, share, np.array([len(group) for group in groups], dtype=np.int64)


def draw_roc(y: "ArrayLike", score: "ArrayLike", path: Path) -> None:
    """Draw the ROC curve with its area into a PNG file."""
    figure, axes = _canvas(5.5, 5.5)
    false, true = roc_points(y, score)
    axes.plot([0, 1], [0, 1], color=_PALE, linestyle="--", label="chance")
    if len(false):
        axes.plot(false, true, color=_INK, linewidth=2, label=f"model, area {np.trapezoid(true, false):.3f}")
    else:
        axes.text(0.5, 0.6, "one class only: no curve", ha="center")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC", xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(loc="lower right", frameon=False)
    _save(figure, path)


def draw_calibration(y: "ArrayLike", score: "ArrayLike", path: Path, bins: int = 10) -> None:
    """Draw predicted against observed shares, in bins of equal row counts, into a PNG file."""
    figure, axes = _canvas(5.5, 5.5)
    mean, share, count = calibration_points(y, score, bins)
    top = max(0.1, float(max(mean.max(initial=0), share.max(initial=0)))) * 1.05
    axes.plot([0, top], [0, top], color=_PALE, linestyle="--", label="perfect")
    rows = f"{count.min(initial=count.max(initial=0)):,}"
    axes.plot(mean, share, color=_INK, linewidth=2, marker="o", label=f"model, at least {rows} rows a point")
    axes.set(xlabel="mean score", ylabel="observed share", title="Calibration", xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left", frameon=False)
    _save(figure, path)


def draw_observed(y: "ArrayLike", predicted: "ArrayLike", path: Path, bins: int = 20) -> None:
    """Draw predicted against observed values into a PNG file: all rows as a cloud, and means in bins of equal row counts."""
    figure, axes = _canvas(5.5, 5.5)
    values, scores = np.asarray(y, dtype=float), np.asarray(predicted, dtype=float)
    mean, observed, count = calibration_points(values, scores, bins)
    low, high = float(min(values.min(), scores.min())), float(max(values.max(), scores.max()))
    axes.hexbin(scores, values, gridsize=40, cmap="Blues", bins="log", mincnt=1, linewidths=0)
    axes.plot([low, high], [low, high], color=_PALE, linestyle="--", label="perfect")
    axes.plot(mean, observed, color=_INK, linewidth=2, marker="o", label=f"means of at least {count.min():,} rows")
    axes.set(xlabel="predicted", ylabel="observed", title="Predicted against observed")
    axes.legend(loc="upper left", frameon=False)
    _save(figure, path)


def confusion_shares(y: "ArrayLike", predicted: "ArrayLike", classes: int) -> "NDArray[np.float64]":
    """Of the rows of each class (a line each), the shares that were taken for each class (a column each)."""
    counts = np.zeros((classes, classes))
    codes, taken = np.asarray(y), np.asarray(predicted)
    known = codes >= 0
    np.add.at(counts, (codes[known], taken[known]), 1)
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def draw_confusion(y: "ArrayLike", predicted: "ArrayLike", names: Sequence[str], path: Path) -> None:
    """Draw which classes are taken for which into a PNG file.

    Args:
        y: code of each row's class; -1 for one that the model never saw, which is left out.
        predicted: code of the class that it was taken for.
        names: of the classes, by code.
        path: the file.
    """
    shares = confusion_shares(y, predicted, len(names))
    side = min(14.0, 3.0 + 0.45 * len(names))
    figure, axes = _canvas(side, side)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= _MOST_NAMED:
        shown = [name[:_LONGEST_NAME] for name in names]
        axes.set_xticks(range(len(names)), shown, rotation=90)
        axes.set_yticks(range(len(names)), shown)
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.005:
                ink = "white" if share > 0.5 else "black"
                axes.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=7, color=ink)
    axes.set(xlabel="taken for", ylabel="is", title="Confusion of classes, shares of each line")
    _save(figure, path)


def draw_importance(names: Sequence[str], gains: "ArrayLike", path: Path, top: int = 20) -> None:
    """Draw the features with the highest gains, as shares of the whole gain, into a PNG file."""
    values = np.asarray(gains, dtype=float)
    order = np.argsort(-values, kind="stable")[:top][::-1]
    shares = values / values.sum() if values.sum() > 0 else values
    figure, axes = _canvas(7.0, 1.5 + 0.28 * max(len(order), 1))
    axes.barh(range(len(order)), shares[order], color=_INK)
    axes.set_yticks(range(len(order)), [names[index][:_LONGEST_NAME] for index in order])
    title = "Feature importance" if len(order) == len(values) else f"Feature importance, {top} of {len(values)}"
    axes.set(xlabel="share of gain", title=title)
    _save(figure, path)


def _canvas(width: float, height: float) -> "tuple[Figure, Axes]":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: "Figure", path: Path) -> None:
    """Write a PNG without the metadata that would tell library versions apart."""
    nothing: dict[str, Any] = {"Software": None}
    figure.savefig(path, format="png", metadata=nothing)
