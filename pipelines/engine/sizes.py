"""Bytes as people read them."""

from __future__ import annotations

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def readable(size: int) -> str:
    """Return a number of bytes for people, such as `1.5 MB`."""
    number, unit = float(size), 0
    while number >= 1000 and unit < len(UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.1f} {UNITS[unit]}" if unit else f"{size} {UNITS[0]}"
