"""Which rows fail an expectation that judges row by row, as SQL that is never NULL. One function per metric.

Each gives what Great Expectations' own metric gives on pandas. Where that is an error, or a case that is not worth
SQL, it gives None, and pandas is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data_checks.files.conditions import columns_of, domain_of
from data_checks.files.literals import NUMERIC, both, literal, literals, quoted
from data_checks.files.regexes import as_re2

CONDITION = ".condition"


@dataclass(eq=False)
class Predicate:
    """Rows that fail, and what was counted of them.

    Attributes:
        metric: Name of the metric, such as "column_values.between".
        columns: Columns it judges, in the order in which their values are shown.
        judged: SQL: is the row judged at all?
        fails: SQL: does it fail? None for rows that fail together, see `unique_in`.
        unique_in: Columns whose values may occur together once, None for all other metrics.
        count: Failing rows, once they were counted.
        judged_count: Rows judged.
        examples: The first failing rows' values as lines, once they were looked for.
    """

    metric: str
    columns: tuple[str, ...]
    judged: str
    fails: str | None
    unique_in: tuple[str, ...] | None = None
    count: int = field(default=0)
    judged_count: int = field(default=0)
    examples: Sequence[Mapping[str, Any]] | None = field(default=None)


Kinds = Mapping[str, str]
Values = Mapping[str, Any]
Rule = Callable[[tuple[str, ...], Values, Kinds], str | None]


def predicate_of(metric: str, domain: Values, values: Values, kinds: Kinds) -> Predicate | None:
    """The predicate of a metric's condition, or None if only pandas can tell.

    Args:
        metric: Its name without ".condition".
        domain: The metric's domain arguments.
        values: Its value arguments.
        kinds: Kind of each column.
    """
    columns = columns_of(domain)
    judged = domain_of(domain, kinds)
    if judged is None or not columns or not all(column in kinds for column in columns):
        return None
    if metric in _UNIQUE:
        if not all(kinds[column] in _KNOWN for column in columns):
            return None
        if "column" in domain:
            judged = both(judged, f"{quoted(columns[0])} IS NOT NULL")
        return Predicate(metric, columns, judged, None, unique_in=columns)
    rule = RULES.get(metric)
    fails = rule(columns, values, kinds) if rule else None
    return Predicate(metric, columns, judged, both(judged, fails)) if fails else None


_KNOWN = ("string", "timestamp", *NUMERIC)
_UNIQUE = ("column_values.unique", "compound_columns.unique")


def _missing(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str:
    return f"{quoted(columns[0])} IS NULL"


def _known(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str:
    return f"{quoted(columns[0])} IS NOT NULL"


def _outside(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    return _not_within(quoted(columns[0]), values, kinds[columns[0]])


def _not_within(term: str, values: Values, kind: str) -> str | None:
    """Rows whose `term` is known and not between the bounds."""
    low, high = values.get("min_value"), values.get("max_value")
    try:
        if (low is None and high is None) or (low is not None and high is not None and low > high):
            return None
    except TypeError:
        return None
    parts = []
    for bound, strict, operator in ((low, values.get("strict_min"), ">"), (high, values.get("strict_max"), "<")):
        if bound is None:
            continue
        limit = literal(bound, kind)
        if limit is None:
            return None
        parts.append(f"{term} {operator}{'' if strict else '='} {limit}")
    return f"NOT coalesce({' AND '.join(parts)}, TRUE)"


def _not_in(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    known = _set_of(columns, values, kinds)
    return known and f"NOT coalesce({quoted(columns[0])} IN ({known}), TRUE)"


def _in(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    known = _set_of(columns, values, kinds)
    return known and f"coalesce({quoted(columns[0])} IN ({known}), FALSE)"


def _set_of(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    kind = kinds[columns[0]]
    known = literals(values.get("value_set") or (), kind) if kind in ("string", *NUMERIC) else None
    return ", ".join(known) if known else None


def _unlike(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    found = _matches(columns, values, kinds)
    return found and f"NOT coalesce({found}, TRUE)"


def _like(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    found = _matches(columns, values, kinds)
    return found and f"coalesce({found}, FALSE)"


def _matches(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    regex = values.get("regex")
    pattern = as_re2(regex) if isinstance(regex, str) and kinds[columns[0]] == "string" else None
    written = literal(pattern, "string")
    return written and f"regexp_matches({quoted(columns[0])}, {written})"


def _length_outside(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    return _not_within(f"length({quoted(columns[0])})", values, "int64") if kinds[columns[0]] == "string" else None


def _length_differs(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    length = literal(values.get("value"), "int64")
    known = length is not None and kinds[columns[0]] == "string"
    return f"coalesce(length({quoted(columns[0])}) <> {length}, FALSE)" if known else None


def _comparable(columns: tuple[str, ...], kinds: Kinds) -> bool:
    found = {"number" if kinds[column] in NUMERIC else kinds[column] for column in columns}
    return len(found) == 1 and found <= {"number", "string", "timestamp"}


def _not_greater(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    operator = ">=" if values.get("or_equal") else ">"
    return _pair_fails(columns, operator, kinds)


def _differs(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    return _pair_fails(columns, "=", kinds)


def _pair_fails(columns: tuple[str, ...], operator: str, kinds: Kinds) -> str | None:
    first, second = map(quoted, columns)
    return f"NOT coalesce({first} {operator} {second}, FALSE)" if _comparable(columns, kinds) else None


def _pair_not_in(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    pairs = values.get("value_pairs_set")
    if not pairs or not all(kinds[column] in ("string", *NUMERIC) for column in columns):
        return None
    told = []
    for pair in pairs:
        sides = [_is(column, value, kinds[column]) for column, value in zip(columns, pair, strict=True)]
        if None in sides:
            return None
        told.append(f"({sides[0]} AND {sides[1]})")
    return f"NOT ({' OR '.join(told)})"


def _is(column: str, value: Any, kind: str) -> str | None:
    if value is None:
        return f"{quoted(column)} IS NULL"
    written = literal(value, kind)
    return written and f"{quoted(column)} IS NOT DISTINCT FROM {written}"


def _sum_differs(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    total = literal(values.get("sum_total"), "double")
    if total is None or not all(kinds[column] in NUMERIC for column in columns):
        return None
    whole = all(kinds[column] == "int64" for column in columns)
    terms = [quoted(column) if whole else f"CAST({quoted(column)} AS DOUBLE)" for column in columns]
    return f"NOT coalesce({' + '.join(terms)} = {total}, FALSE)"


def _repeats_in_record(columns: tuple[str, ...], values: Values, kinds: Kinds) -> str | None:
    if not _comparable(columns, kinds):
        return None
    named = list(map(quoted, columns))
    pairs = [(one, other) for place, one in enumerate(named) for other in named[place + 1 :]]
    return " OR ".join(f"{one} IS NOT DISTINCT FROM {other}" for one, other in pairs) or "FALSE"


RULES: Mapping[str, Rule] = {
    "column_values.nonnull": _missing,
    "column_values.null": _known,
    "column_values.between": _outside,
    "column_values.in_set": _not_in,
    "column_values.not_in_set": _in,
    "column_values.match_regex": _unlike,
    "column_values.not_match_regex": _like,
    "column_values.value_length.between": _length_outside,
    "column_values.value_length.equals": _length_differs,
    "column_pair_values.a_greater_than_b": _not_greater,
    "column_pair_values.equal": _differs,
    "column_pair_values.in_set": _pair_not_in,
    "multicolumn_sum.equal": _sum_differs,
    "select_column_values.unique.within_record": _repeats_in_record,
}
"""The metrics that SQL answers, beside uniqueness, which is no matter of one row."""
