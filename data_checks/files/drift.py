"""The values of columns in files, counted in the bins of a training profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_checks.files.aggregates import bin_counts, bins_of, count_of
from data_checks.files.literals import NUMERIC, literals, quoted
from data_checks.files.view import opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data_checks.files.rows import ParquetRows
    from data_checks.files.view import View


def counts_in_files(rows: ParquetRows | View, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, list[int]]:
    """How many values of each column fall into its entry's bins, as `data_checks.drift.expected_weights` orders them.

    One scan for all numbers, and one for each column of text. Columns that SQL cannot count, or where there is nothing
    to compare, are counted by pandas.

    Args:
        rows: The files.
        entries: Profile entry of each column.

    Raises:
        ProfileMistake: The profile describes numbers where a column holds text, or the other way round.
        RowsDamaged: A file cannot be read.
    """
    from data_checks.drift import actual_weights

    with opened(rows) as view:
        asked = {column: _expressions(column, view.kinds[column], entry) for column, entry in entries.items()}
        with view.blaming():
            found = iter(view.aggregate([one for expressions in asked.values() for one in expressions or ()]))
        counted = {column: [next(found) for _ in expressions] for column, expressions in asked.items() if expressions}
        return {
            column: _told(view, column, entry, counted[column])
            if column in counted and counted[column][0]
            else [int(weight) for weight in actual_weights(entry, view.frame([column])[column], column)]
            for column, entry in entries.items()
        }


def _expressions(column: str, kind: str, entry: Mapping[str, Any]) -> list[str] | None:
    """Aggregates: known values, and for numbers infinite ones and those in bins."""
    name, partition = quoted(column), entry["partition"]
    known = f"count({name})"
    if partition is None:
        return None
    if entry["kind"] == "numeric" and kind in NUMERIC:
        binned = bin_counts(name, partition["bins"])
        infinite = [count_of(f"{name} = CAST('{sign}inf' AS DOUBLE)") for sign in "-+"]
        return [known, *infinite, binned] if binned else None
    if entry["kind"] == "categorical" and kind == "string":
        return [known] if literals(partition["values"], "string") else None
    return None


def _told(view: View, column: str, entry: Mapping[str, Any], found: Sequence[Any]) -> list[int]:
    """The counts in the profile's order."""
    known, *others = found
    missing = view.row_count - known
    if entry["kind"] == "categorical":
        named = _named(view, column, entry["partition"]["values"])
        return [*named, known - sum(named), missing]
    lowest, highest, binned = others
    below, *inside, above = bins_of(binned, entry["partition"]["bins"])
    return [below - lowest, *inside, above - highest, missing + lowest + highest]


def _named(view: View, column: str, values: Sequence[str]) -> list[int]:
    """How often each value occurs: one grouping, because a comparison for each value of each row takes minutes."""
    name, known = quoted(column), ", ".join(literals(values, "string") or ())
    query = f"SELECT {name} AS value, count(*) AS count FROM rows WHERE {name} IN ({known}) GROUP BY ALL"  # noqa: S608 - quoted
    with view.blaming():
        counts = {line["value"]: line["count"] for line in view.ask(query).to_pylist()}
    return [counts.get(value, 0) for value in values]
