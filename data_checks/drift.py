"""Drift: how far a night's columns have moved from the training data, as one number per column.

The number is the population stability index, PSI = sum((a - e) * ln(a / e)) over the bins, with the expected share e
and the actual share a (N. Siddiqi, "Credit Risk Scorecards", 2006). It is Jeffreys' divergence: the sum of the two
Kullback-Leibler divergences (S. Kullback, R. Leibler, "On Information and Sufficiency", 1951). The customary reading:
below 0.1 stable, above 0.25 moved.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from data_checks.errors import ProfileMistake
from data_checks.files.rows import ParquetRows
from data_checks.files.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas

_SMALLEST_SHARE = 1e-6


def population_stability_index(expected: Sequence[float], actual: Sequence[float]) -> float:
    """PSI between two vectors of weights over the same bins; each is scaled to sum to 1 first.

    An empty bin counts as a share of one in a million, so the answer is finite, never negative, and 0 for equal shares.

    Raises:
        ProfileMistake: The vectors differ in length, hold a negative or non-finite weight, or sum to 0.
    """
    if len(expected) != len(actual):
        raise ProfileMistake(
            f"A stability index compares the same bins: got {len(expected)} expected and {len(actual)} actual weights."
        )
    pairs = zip(_proportions(expected, "expected"), _proportions(actual, "actual"), strict=True)
    return math.fsum((a - e) * math.log(a / e) for e, a in pairs)


def _proportions(weights: Sequence[float], name: str) -> list[float]:
    largest = max(weights, default=0.0)
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or largest <= 0:
        raise ProfileMistake(
            f"The {name} weights of a stability index must be finite, >= 0 and not all 0, got {list(weights)[:10]}."
        )
    scaled = [weight / largest for weight in weights]  # by the largest first: the sum of huge weights would overflow
    total = math.fsum(scaled)
    return [max(weight / total, _SMALLEST_SHARE) for weight in scaled]


def drift(
    profile: Mapping[str, Any], rows: pandas.DataFrame | ParquetRows | View, columns: Sequence[str]
) -> dict[str, float]:
    """PSI of each column of `rows` against the training profile.

    Missing values are a bin of their own: a sensor that falls silent has drifted. So are, for a text column, all values
    beyond those the profile names. No rows have not drifted (0.0).

    Args:
        profile: As `data_checks.build_profile` makes it.
        rows: A frame, or Parquet files, which are counted without reading them into memory.
        columns: Which columns.

    Raises:
        ProfileMistake: The profile, or the rows, do not have a column, or their types do not fit.
        RowsDamaged: A file cannot be read.
    """
    from data_checks.profile import entry_of

    entries = {column: entry_of(profile, column) for column in columns}
    known = rows.kinds if isinstance(rows, View) else rows.columns
    for column in columns:
        if column not in known:
            raise ProfileMistake(
                f"drift() was asked for column '{column}', but the data has no such column."
                " Pass the rows as the model sees them."
            )
    weights = _weights_of(rows, entries)
    return {
        column: population_stability_index(expected_weights(entry), weights[column]) if sum(weights[column]) else 0.0
        for column, entry in entries.items()
    }


def _weights_of(
    rows: pandas.DataFrame | ParquetRows | View, entries: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Sequence[float]]:
    if isinstance(rows, ParquetRows | View):
        from data_checks.files.drift import counts_in_files

        return counts_in_files(rows, entries)
    return {column: actual_weights(entry, rows[column], column) for column, entry in entries.items()}


def expected_weights(entry: Mapping[str, Any]) -> list[float]:
    """The bins of a profile entry as shares of all training rows: the values' bins, the rest, the missing ones."""
    present = 1 - entry["null_share"]
    partition = entry["partition"]
    if partition is None:
        return [0.0, 1.0]
    if entry["kind"] == "numeric":
        below, above = partition["tail_weights"]
        shares = [below, *partition["weights"], above]
    else:
        named = 1 - entry["other_share"]
        shares = [*(weight * named for weight in partition["weights"]), entry["other_share"]]
    return [*(share * present for share in shares), entry["null_share"]]


def actual_weights(entry: Mapping[str, Any], series: pandas.Series[Any], column: str) -> list[float]:
    """How many values of a column fall into the bins of `expected_weights`.

    Raises:
        ProfileMistake: The profile describes numbers where the column holds text, or the other way round.
    """
    from data_checks.profile import counts_between, finite_values, kind_of_values, text_counts

    present = int(series.notna().sum())
    if entry["partition"] is None or not present:
        return _where_one_side_is_empty(entry, present, len(series))
    kind = kind_of_values(series, column)
    if kind != entry["kind"]:
        raise ProfileMistake(
            f"Column '{column}' was {entry['kind']} in training and is {kind} now. Bring back its type, or train again."
        )
    if kind == "numeric":
        numbers = finite_values(series)
        return [*counts_between(numbers, entry["partition"]["bins"]), len(series) - len(numbers)]
    counts = text_counts(series)
    named = [counts.get(value, 0) for value in entry["partition"]["values"]]
    return [*named, present - sum(named), len(series) - present]


def _where_one_side_is_empty(entry: Mapping[str, Any], present: int, rows: int) -> list[float]:
    bins = len(expected_weights(entry))
    return [*([0.0] * (bins - 2)), float(present), float(rows - present)]
