"""Values, names and conditions as SQL. What has no spelling here is left to pandas."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ALL = "TRUE"
"""The condition that all rows meet."""
NUMERIC = ("int64", "double")
_LARGEST = 2**63


def both(*parts: str) -> str:
    """All parts hold; those that always do are left out."""
    told = [part for part in parts if part != ALL]
    return " AND ".join(f"({part})" for part in told) if told else ALL


def quoted(column: str) -> str:
    """A column's name as SQL."""
    return '"' + column.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string as SQL."""
    return "'" + value.replace("'", "''") + "'"


def literal(value: Any, kind: str) -> str | None:
    """A value as SQL that compares with a column of that kind as it does in pandas, or None.

    Timestamps must say their time zone: pandas refuses to compare instants with wall-clock times.
    """
    if kind == "string":
        return text(value) if type(value) is str and "\0" not in value else None
    if kind in NUMERIC:
        return _number(value)
    return _instant(value) if kind == "timestamp" else None


def literals(values: Iterable[Any], kind: str) -> list[str] | None:
    """All values as SQL, or None if one cannot be written."""
    found = [literal(value, kind) for value in values]
    return [one for one in found if one is not None] if None not in found else None


def _number(value: Any) -> str | None:
    if type(value) is int:
        return str(value) if -_LARGEST <= value < _LARGEST else None
    if type(value) is not float or math.isnan(value):
        return None
    return f"CAST('{value!r}' AS DOUBLE)"


def _instant(value: Any) -> str | None:
    if type(value) is str:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime) or value.tzinfo is None or getattr(value, "nanosecond", False):
        return None
    return f"TIMESTAMPTZ '{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
