"""The values of columns in files, counted in the bins of a training profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_checks.files.aggregates import below_edges, between_edges, count_of
from data_checks.files.literals import NUMERIC, literals, quoted
from data_checks.files.view import opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data_checks.files.rows import ParquetRows
    from data_checks.files.view import View


FEW_ROWS = 100_000
"""Beyond them, numpy finds the bins of one column after the other faster than SQL compares each row with each edge."""


def counts_in_files(rows: ParquetRows | View, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, list[int]]:
    """How many values of each column fall into its entry's bins, as `data_checks.drift.expected_weights` orders them.

    One scan for all numbers, and one for each column of text. Columns that SQL cannot count, or where there is nothing to compare, are counted by pandas.

    Args:
        rows: The files.
        entries: Profile entry of each column.

    Raises:
        ProfileMistake: The profile describes numbers where a column holds text, or the other way round.
        RowsDamaged: A file cannot be read.
    """
    from data_checks.drift import actual_weights

    with opened(rows) as view:
        few = view.row_count <= FEW_ROWS
        asked = {
            column: _expressions(column, view.kinds[column], entry) if few or entry["kind"] == "categorical" else None
            for column, entry in entries.items()
        }
        with view.blaming():
            found = iter(view.aggregate([one for expressions in asked.values() for one in expressions or ()]))
        counted = {column: [next(found) for _ in expressions] for column, expressions in asked.items() if expressions}
        counts = {}
        for column, entry in entries.items():
            if column in counted and counted[column][1] and entry["kind"] == "categorical":
                counted[column] += _named(view, column, entry["partition"]["values"])
            told = _in_bins(counted[column], entry) if column in counted else None
            if told is None:
                told = [int(weight) for weight in actual_weights(entry, view.frame([column])[column], column)]
            counts[column] = told
        return counts


def _expressions(column: str, kind: str, entry: Mapping[str, Any]) -> list[str] | None:
    """Aggregates: all rows, known values, and for numbers what `_numeric` makes bins of."""
    name, partition = quoted(column), entry["partition"]
    every = [count_of("TRUE"), f"count({name})"]
    if partition is None:
        return None
    if entry["kind"] == "numeric" and kind in NUMERIC:
        below = below_edges(name, partition["bins"])
        infinite = [count_of(f"{name} = CAST('{sign}inf' AS DOUBLE)") for sign in "-+"]
        return below and [*every, *infinite, *below]
    if entry["kind"] == "categorical" and kind == "string":
        return every if literals(partition["values"], "string") else None
    return None


def _named(view: View, column: str, values: Sequence[str]) -> list[int]:
    """How often each value occurs: one grouping, because a comparison for each value of each row takes minutes."""
    name, known = quoted(column), ", ".join(literals(values, "string") or ())
    query = f"SELECT {name} AS value, count(*) AS count FROM rows WHERE {name} IN ({known}) GROUP BY ALL"  # noqa: S608 - quoted
    with view.blaming():
        counts = {line["value"]: line["count"] for line in view.ask(query).to_pylist()}
    return [counts.get(value, 0) for value in values]


def _in_bins(found: list[int], entry: Mapping[str, Any]) -> list[int] | None:
    """The counts in the profile's order; None where there is no value to put into a bin."""
    every, known, *others = found
    if not known:
        return None
    return _numeric(every, known, others) if entry["kind"] == "numeric" else _categorical(every, known, others)


def _numeric(every: int, known: int, found: list[int]) -> list[int]:
    lowest, highest, *below = found
    return [below[0] - lowest, *between_edges(below), known - highest - below[-1], every - known + lowest + highest]


def _categorical(every: int, known: int, named: list[int]) -> list[int]:
    return [*named, known - sum(named), every - known]
