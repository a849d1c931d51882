"""The training profile: how each column was distributed when the model learned, as JSON.

A column's `partition` is a Great Expectations partition object, so suites can pass it on unchanged: bins, weights and
tail weights of a numeric column, values and weights of a text column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_checks.errors import ProfileMistake, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy
    import pandas

FORMAT = 1
MOST_VALUES = 50
_FEW_NUMBERS = 24
_DIGITS = 9
# The tails begin inside the training data, so that "more extreme than usual" has a share to compare with.
_QUANTILES = (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)


def build_profile(frame: pandas.DataFrame, columns: Sequence[str]) -> dict[str, Any]:
    """The profile of `columns`: the same rows in any order give the same JSON.

    Args:
        frame: The training rows.
        columns: Numeric, boolean or text columns to describe.

    Returns:
        `{"format", "rows", "columns": {name: {"kind", "count", "null_share", "partition", ...}}}`, where `count` is the
        number of values that are present (and finite), and `partition` is None when there is none.

    Raises:
        ProfileMistake: A column is missing, or neither numbers nor text.
    """
    return {
        "format": FORMAT,
        "rows": len(frame),
        "columns": {column: _entry(_column(frame, column), column) for column in columns},
    }


def entry_of(profile: Mapping[str, Any], column: str) -> Mapping[str, Any]:
    """What a profile says about one column.

    Raises:
        ProfileMistake: The profile has another format or does not know the column.
    """
    if profile.get("format") != FORMAT:
        raise ProfileMistake(
            f"A training profile has format {FORMAT}, got {profile.get('format')!r}."
            " Build it again with build_profile(), or read it from the champion's own run."
        )
    known: Mapping[str, Mapping[str, Any]] = profile["columns"]
    if column not in known:
        raise ProfileMistake(
            f"The training profile does not know column '{column}'.{did_you_mean(column, known)}"
            f" It has {len(known)} columns; train again if the column is new."
        )
    return known[column]


def _column(frame: pandas.DataFrame, column: str) -> pandas.Series[Any]:
    if column not in frame.columns:
        raise ProfileMistake(
            f"build_profile() was asked for column '{column}', but the frame has no such column."
            f"{did_you_mean(column, map(str, frame.columns))} Pass columns of the training rows."
        )
    return frame[column]


def kind_of_values(series: pandas.Series[Any], column: str) -> str:
    """`numeric` or `categorical`.

    Raises:
        ProfileMistake: The column holds neither numbers nor text (timestamps, lists ...).
    """
    import pandas as pd

    types = pd.api.types
    if types.is_numeric_dtype(series) and not types.is_bool_dtype(series) and not types.is_complex_dtype(series):
        return "numeric"
    text = types.is_bool_dtype(series) or types.is_string_dtype(series) or isinstance(series.dtype, pd.CategoricalDtype)
    if text or not series.notna().any():
        return "categorical"
    raise ProfileMistake(
        f"Column '{column}' is of type {series.dtype}; a profile describes numbers and text."
        " Leave the column out, or turn it into a number first."
    )


def _entry(series: pandas.Series[Any], column: str) -> dict[str, Any]:
    kind = kind_of_values(series, column)
    return _numeric_entry(series) if kind == "numeric" else _categorical_entry(series)


def finite_values(series: pandas.Series[Any]) -> numpy.ndarray[Any, Any]:
    """The numbers of a column without nulls and infinities, as float64."""
    import numpy as np

    numbers: numpy.ndarray[Any, Any] = series.to_numpy(dtype=np.float64, na_value=np.nan)
    finite: numpy.ndarray[Any, Any] = numbers[np.isfinite(numbers)]
    return finite


def text_counts(series: pandas.Series[Any]) -> dict[str, int]:
    """How often each value occurs, nulls left out: most frequent first, then by name."""
    counts = {str(value): int(count) for value, count in series.dropna().value_counts().items() if count}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def counts_between(numbers: numpy.ndarray[Any, Any], bins: Sequence[float]) -> list[int]:
    """How many numbers lie below the first edge, in each bin (the last one closed), and above the last edge."""
    import numpy as np

    inside = np.histogram(numbers, bins=np.asarray(bins, dtype=np.float64))[0]
    return [int((numbers < bins[0]).sum()), *(int(count) for count in inside), int((numbers > bins[-1]).sum())]


def _numeric_entry(series: pandas.Series[Any]) -> dict[str, Any]:
    numbers = finite_values(series)
    entry = _shares("numeric", series, len(numbers))
    if not len(numbers):
        return entry
    bins = _edges(numbers)
    # Half a row is added everywhere: without it one value in a bin that was empty would be infinitely surprising.
    below, *inside, above = _weights([count + 0.5 for count in counts_between(numbers, bins)])
    return entry | {"partition": {"bins": bins, "weights": inside, "tail_weights": [below, above]}}


def _edges(numbers: numpy.ndarray[Any, Any]) -> list[float]:
    """Bin edges: quantiles, or a bin around each value where there are few (flags, months)."""
    import numpy as np

    distinct = np.unique(numbers)
    if len(distinct) > _FEW_NUMBERS:
        edges = _increasing(np.quantile(numbers, _QUANTILES))
        if len(edges) > 1:
            return edges
    return _edges_around(distinct)


def _edges_around(distinct: numpy.ndarray[Any, Any]) -> list[float]:
    """Edges halfway between neighbouring values, and as far outside the first and the last one.

    A single value gets a bin that holds hardly more than itself: any other value is a change.
    """
    import numpy as np

    gaps = np.diff(distinct) if len(distinct) > 1 else np.array([max(1.0, abs(float(distinct[0]))) * 1e-9])
    outer = [distinct[0] - gaps[0] / 2, distinct[-1] + gaps[-1] / 2]
    return _increasing(np.array([outer[0], *(distinct[:-1] + gaps[: len(distinct) - 1] / 2), outer[1]]))


def _increasing(edges: numpy.ndarray[Any, Any]) -> list[float]:
    return sorted({float(edge) for edge in edges})


def _categorical_entry(series: pandas.Series[Any]) -> dict[str, Any]:
    counts = text_counts(series)
    total = sum(counts.values())
    entry = _shares("categorical", series, total)
    if not total:
        return entry
    kept = dict(list(counts.items())[:MOST_VALUES])
    other = round(1 - sum(kept.values()) / total, _DIGITS)
    return entry | {
        "other_share": max(other, 0.0),
        "partition": {"values": list(kept), "weights": _weights(list(kept.values()))},
    }


def _shares(kind: str, series: pandas.Series[Any], present: int) -> dict[str, Any]:
    null_share = round(1 - present / len(series), _DIGITS) if len(series) else 0.0
    return {"kind": kind, "count": present, "null_share": null_share, "partition": None}


def _weights(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [round(count / total, _DIGITS) for count in counts]
