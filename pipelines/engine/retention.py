"""How long is kept what might still be used: a pure rule, light enough for a DAG file or a help text."""

from __future__ import annotations

import re

from pipelines.engine.errors import UsageError

DEFAULT_RETENTION = "30d"
SHORTEST_DAYS = 7.0
"""A night may be retried, rolled back, or looked up in an older version of its table for that long in any case."""
UNITS = {"d": 1.0, "w": 7.0}


def parse_retention(text: str) -> float:
    """Return the days that `30d`, `6w` or a plain number of days stands for.

    Raises:
        UsageError: It is none, or shorter than can be safe.
    """
    match = re.fullmatch(r"(\d{1,5}(?:\.\d+)?)([dw]?)", text.strip())
    if match is None:
        raise UsageError(f"{text[:40]!r} is no retention; expected days or weeks, such as 30d or 6w")
    days = float(match[1]) * UNITS[match[2] or "d"]
    if days < SHORTEST_DAYS:
        raise UsageError(
            f"a retention of {text.strip()} is too short; expected at least {SHORTEST_DAYS:g}d. Until then nights are retried and "
            "rolled back, and readers look at older versions of a table, with files that nothing names any more."
        )
    return days
