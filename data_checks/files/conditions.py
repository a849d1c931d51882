"""Which rows an expectation judges, as SQL: its row condition, and what it says of missing values.

Answers are those of pandas: a missing value equals nothing, and is unequal to everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from great_expectations.expectations.row_conditions import (
    AndCondition,
    ComparisonCondition,
    NullityCondition,
    OrCondition,
    deserialize_row_condition,
)

from data_checks.files.literals import ALL, NUMERIC, both, literal, literals, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMPARISONS = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
_IGNORED = {
    "both_values_are_missing": " OR ",
    "either_value_is_missing": " AND ",
    "all_values_are_missing": " OR ",
    "any_value_is_missing": " AND ",
    "neither": "",
    "never": "",
}


def domain_of(kwargs: Mapping[str, Any], kinds: Mapping[str, str]) -> str | None:
    """The rows that a metric's domain names, or None if only pandas can tell."""
    chosen = _chosen(kwargs, kinds)
    present = _present(kwargs)
    return None if chosen is None or present is None else both(chosen, present)


def columns_of(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns that a metric's domain names, the row condition's left out."""
    if "column" in kwargs:
        return (kwargs["column"],)
    if "column_A" in kwargs:
        return (kwargs["column_A"], kwargs["column_B"])
    return tuple(kwargs.get("column_list") or ())


def condition_columns(kwargs: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Columns of the row condition, or None if it is text for pandas."""
    condition = kwargs.get("row_condition")
    if not condition:
        return ()
    condition = deserialize_row_condition(condition)
    found: list[str] = []
    return tuple(found) if _gather(condition, found) else None


def _gather(condition: Any, found: list[str]) -> bool:
    if isinstance(condition, AndCondition | OrCondition):
        return all(_gather(part, found) for part in condition.conditions)
    if not isinstance(condition, ComparisonCondition | NullityCondition):
        return False
    found.append(condition.column.name)
    return True


def _chosen(kwargs: Mapping[str, Any], kinds: Mapping[str, str]) -> str | None:
    condition = kwargs.get("row_condition")
    return _as_sql(deserialize_row_condition(condition), kinds) if condition else ALL


def _as_sql(condition: Any, kinds: Mapping[str, str]) -> str | None:
    if isinstance(condition, AndCondition | OrCondition):
        parts = [_as_sql(part, kinds) for part in condition.conditions]
        told = [f"({part})" for part in parts if part is not None]
        return (
            (" AND " if isinstance(condition, AndCondition) else " OR ").join(told) if len(told) == len(parts) else None
        )
    if isinstance(condition, NullityCondition) and condition.column.name in kinds:
        return f"{quoted(condition.column.name)} IS {'' if condition.is_null else 'NOT '}NULL"
    if isinstance(condition, ComparisonCondition) and kinds.get(condition.column.name) in ("string", *NUMERIC):
        return _comparison(condition, kinds[condition.column.name])
    return None


def _comparison(condition: ComparisonCondition, kind: str) -> str | None:
    column, operator = quoted(condition.column.name), str(getattr(condition.operator, "value", condition.operator))
    if operator in ("IN", "NOT_IN"):
        return _membership(column, list(condition.parameter), kind, inside=operator == "IN")
    value = literal(condition.parameter, kind)
    if value is None:
        return None
    if operator == "!=":
        return f"{column} IS DISTINCT FROM {value}"
    return f"coalesce({column} {'=' if operator == '==' else _COMPARISONS[operator]} {value}, FALSE)"


def _membership(column: str, values: list[Any], kind: str, *, inside: bool) -> str | None:
    known = literals(values, kind)
    if not known:
        return None
    found = f"coalesce({column} IN ({', '.join(known)}), FALSE)"
    return found if inside else f"NOT {found}"


def _present(kwargs: Mapping[str, Any]) -> str | None:
    ignored = kwargs.get("ignore_row_if")
    columns = columns_of(kwargs)
    if "column" in kwargs or ignored is None or not columns:
        return ALL
    joined = _IGNORED.get(ignored)
    if not joined:
        return ALL if joined == "" else None
    return joined.join(f"{quoted(column)} IS NOT NULL" for column in columns)
