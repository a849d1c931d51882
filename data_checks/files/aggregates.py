"""Statements about a whole column as SQL aggregates, with the answers that pandas gives. One function per metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from data_checks.files.conditions import domain_of
from data_checks.files.literals import ALL, NUMERIC, both, literal, literals, quoted

NOTHING = float("nan")
MOST_VALUES = 20
"""How many different values Great Expectations shows."""


@dataclass(frozen=True)
class Aggregate:
    """An answer that one scan gives together with many others.

    Attributes:
        expressions: SQL aggregates.
        answer: Makes the metric's value of theirs.
    """

    expressions: tuple[str, ...]
    answer: Callable[[Sequence[Any]], Any]


@dataclass(frozen=True)
class Column:
    """What an aggregate is about.

    Attributes:
        name: As SQL.
        kind: Its kind.
        floats: Whether pandas holds it as floating-point numbers.
        domain: SQL: which rows count?
    """

    name: str
    kind: str
    floats: bool
    domain: str

    def over(self, function: str) -> str:
        """An aggregate function over the column's values in the domain."""
        return f"{function}({within(self.name, self.domain)})"

    def like(self, value: Any) -> Any:
        """A value as pandas would hold it; a missing one is no number."""
        return NOTHING if value is None else float(value) if self.floats else value


Rule = Callable[[Column, Mapping[str, Any]], Aggregate | None]


def within(term: str, condition: str) -> str:
    """A term where a condition holds, missing elsewhere: aggregates pass over it.

    Not FILTER: each costs more the more columns the scan has, and suites have a hundred.
    """
    return term if condition == ALL else f"CASE WHEN {condition} THEN {term} END"


def count_of(condition: str) -> str:
    """How many rows meet a condition, as an aggregate."""
    return f"count({within('1', condition)})"


def aggregate_of(
    metric: str,
    domain: Mapping[str, Any],
    values: Mapping[str, Any],
    kinds: Mapping[str, str],
    floats: Callable[[str], bool],
) -> Aggregate | None:
    """The aggregate of a metric, or None if only pandas can tell.

    Args:
        metric: Its name.
        domain: The metric's domain arguments.
        values: Its value arguments.
        kinds: Kind of each column.
        floats: Whether pandas holds a column as floating-point numbers.
    """
    chosen = domain_of(domain, kinds)
    if chosen is None:
        return None
    if metric == "table.row_count":
        return Aggregate((count_of(chosen),), _only)
    rule, name = RULES.get(metric), str(domain.get("column"))
    if rule is None or name not in kinds:
        return None
    return rule(Column(quoted(name), kinds[name], floats(name), chosen), values)


def bin_counts(name: str, edges: Sequence[float], domain: str = ALL) -> str | None:
    """How many values lie in bins, as an aggregate that `bins_of` reads.

    Bins hold their left edge, the last one both, as numpy's do. DuckDB's hold the right edge, so all but the last are
    moved to the number before. None where the edges are not finite and increasing: numpy may have its own mind about them.
    """
    finite = all(math.isfinite(edge) for edge in edges)
    if len(edges) < 2 or not finite or not all(a < b for a, b in pairwise(edges)):
        return None
    ends = [*(math.nextafter(float(edge), -math.inf) for edge in edges[:-1]), float(edges[-1])]
    value = within(f"CAST({name} AS DOUBLE)", domain)
    return f"map_values(histogram({value}, CAST('{ends}' AS DOUBLE[])))"


def bins_of(found: Sequence[int] | None, edges: Sequence[float]) -> list[int]:
    """What `bin_counts` found: values below the first edge, in each bin, and above the last edge, infinite ones too."""
    counts = list(found or ())  # none at all where there is no value
    return [*counts, *[0] * (len(edges) + 1 - len(counts))]


def _only(found: Sequence[Any]) -> Any:
    return found[0]


def _statistic(function: str) -> Rule:
    def rule(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
        if column.kind not in NUMERIC:
            return None
        return Aggregate((column.over(function),), lambda found: NOTHING if found[0] is None else float(found[0]))

    return rule


def _extreme(function: str) -> Rule:
    def rule(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
        if column.kind not in NUMERIC:
            return None
        return Aggregate((column.over(function),), lambda found: column.like(found[0]))

    return rule


def _sum(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
    if column.kind not in NUMERIC:
        return None
    return Aggregate((column.over("sum"),), lambda found: float(found[0] or 0) if column.floats else int(found[0] or 0))


def _distinct_count(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
    return Aggregate((_different(column, column.domain),), _only)


def _known_count(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
    return Aggregate((column.over("count"),), _only)


def _histogram(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
    bins = values.get("bins")
    if column.kind not in NUMERIC or not isinstance(bins, list | tuple):
        return None
    counted = bin_counts(column.name, bins, column.domain)
    return Aggregate((counted,), lambda found: bins_of(found[0], bins)[1:-1]) if counted else None


def _between_count(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
    low, high = values.get("min_value"), values.get("max_value")
    bound = literal(high if low is None else low, column.kind)
    if column.kind not in NUMERIC or bound is None or (low is None) == (high is None):
        return None
    strict = values.get("strict_max" if low is None else "strict_min")
    operator = f"{'<' if low is None else '>'}{'' if strict else '='}"
    counted = count_of(both(column.domain, f"{column.name} {operator} {bound}"))
    return Aggregate(
        (counted,), lambda found: np.int64(found[0])
    )  # of nothing, it is divided by 0 later: no error to numpy


def _strange_count(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
    known = _set_of(values, column.kind)
    if not known:
        return None
    strange = both(column.domain, f"{column.name} NOT IN ({', '.join(known)})")
    return Aggregate((_different(column, strange),), _only)


def _different(column: Column, condition: str) -> str:
    """How many different values there are where a condition holds, found in a scan of this column alone.

    In the scan of all columns it takes five times the memory.
    """
    return f"(SELECT count(DISTINCT {column.name}) FROM rows WHERE {condition})"  # noqa: S608 - quoted


def _lacking(column: Column, values: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Any]] | None:
    known = _set_of(values, column.kind)
    if not known:
        return None
    wanted = list(dict.fromkeys(values["value_set"]))
    return tuple(f"bool_or({within(f'{column.name} = {one}', column.domain)})" for one in dict.fromkeys(known)), wanted


def _lacking_values(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
    asked = _lacking(column, values)
    limit = values.get("limit")
    return asked and Aggregate(
        asked[0],
        lambda found: [one for one, seen in zip(asked[1], found, strict=True) if not seen][: limit or MOST_VALUES],
    )


def _lacking_count(column: Column, values: Mapping[str, Any]) -> Aggregate | None:
    asked = _lacking(column, values)
    return asked and Aggregate(asked[0], lambda found: sum(not seen for seen in found))


def _set_of(values: Mapping[str, Any], kind: str) -> list[str] | None:
    asked = values.get("value_set") or ()
    if kind not in ("string", *NUMERIC) or len(set(asked)) != len(set(map(str, asked))):
        return None  # 1 and 1.0 are one value here and two literals there
    return literals(asked, kind)


def grouped(metric: str, column: str, kind: str, domain: str, values: Mapping[str, Any]) -> str | None:
    """The query for a metric about the different values of a column (`value`, `count`), or None if only pandas can tell.

    Args:
        metric: One of `GROUPED`.
        column: Its name as SQL.
        kind: Its kind.
        domain: SQL: which rows count?
        values: The metric's value arguments.
    """
    known = f"{column} IS NOT NULL"
    end = ""
    if metric == "column.value_counts" and (values.get("sort") or "value") != "value":
        return None
    if metric == "column.distinct_values.not_in_set":
        expected = _set_of(values, kind)
        if not expected:
            return None
        known = f"{column} NOT IN ({', '.join(expected)})"
        end = f" ORDER BY value LIMIT {int(values.get('limit') or MOST_VALUES)}"
    counts = f"SELECT {column} AS value, count(*) AS count FROM rows WHERE {both(domain, known)} GROUP BY ALL{end}"  # noqa: S608 - quoted
    if metric == "column.most_common_value":
        return f"WITH counts AS ({counts}) SELECT * FROM counts WHERE count = (SELECT max(count) FROM counts)"  # noqa: S608 - quoted
    return counts


GROUPED = ("column.value_counts", "column.most_common_value", "column.distinct_values.not_in_set")
"""Metrics that need a query of their own, see `grouped`."""

RULES: Mapping[str, Rule] = {
    "column.distinct_values.not_in_set.count": _strange_count,
    "column.distinct_values.missing_from_column": _lacking_values,
    "column.distinct_values.missing_from_column.count": _lacking_count,
    "column.mean": _statistic("avg"),
    "column.median": _statistic("median"),
    "column.standard_deviation": _statistic("stddev_samp"),
    "column.min": _extreme("min"),
    "column.max": _extreme("max"),
    "column.sum": _sum,
    "column.distinct_values.count": _distinct_count,
    "column.non_null_count": _known_count,
    "column.histogram": _histogram,
    "column_values.between.count": _between_count,
}
"""The metrics that aggregates answer, beside "table.row_count", which has no column."""
