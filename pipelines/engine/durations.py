"""Times as people type and read them: pure rules, light enough for a help text."""

from __future__ import annotations

import re

from pipelines.engine.errors import UsageError

UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


def parse_duration(text: str) -> float:
    """Return the seconds that `90s`, `30m`, `2h`, `1h30m`, `3d` or `1w` stand for.

    Raises:
        UsageError: It stands for none, or for no time at all.
    """
    cleaned = text.replace(" ", "").lower()
    parts = re.findall(r"(\d{1,6}(?:\.\d+)?)(min|[smhdw])", cleaned)
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != cleaned or seconds <= 0:
        raise UsageError(f"{text[:40]!r} is no duration; expected a number and s, m, h, d or w, such as 30m or 1h30m")
    return seconds


def duration(seconds: float) -> str:
    """Return a duration as people say it: `40 s`, `14 min`, `2 h 05 min`, `3 d 4 h`."""
    whole = int(abs(seconds))
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
