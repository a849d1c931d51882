"""Times as people type them: a pure rule, light enough for a help text."""

from __future__ import annotations

import re

from pipelines.engine.errors import UsageError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


def parse_duration(text: str) -> float:
    """Return the seconds that `90s`, `30m`, `2h`, `1h30m`, `3d` or `1w` stand for.

    Raises:
        UsageError: It stands for none, or for no time at all.
    """
    cleaned = text.replace(" ", "").lower()
    parts = re.findall(r"(\d{1,6}(?:\.\d+)?)([smhdw])", cleaned)
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != cleaned or seconds <= 0:
        raise UsageError(f"{text[:40]!r} is no duration; expected a number and s, m, h, d or w, such as 30m or 1h30m")
    return seconds
