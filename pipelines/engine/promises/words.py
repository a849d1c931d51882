"""Times in words, the same everywhere."""

from __future__ import annotations


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
