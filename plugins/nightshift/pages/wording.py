"""Numbers, shares, durations and moments as people read them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from pipelines.engine import durations
from pipelines.engine.views.cost import beside_told

NONE = "\N{EN DASH}"
SPACE = "\N{NARROW NO-BREAK SPACE}"


def count(value: float | None) -> str:
    """Return a number with its thousands apart."""
    return NONE if value is None else f"{value:,.0f}".replace(",", SPACE)


def counted(value: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 night`, `2 nights`."""
    return f"{count(value)} {one if value == 1 else many or f'{one}s'}"


def share(value: float | None) -> str:
    """Return a share (0 to 1) in percent; one that is not nothing never reads as nothing."""
    if value is None:
        return NONE
    if 0 < value < 0.0001:
        return "under 0.01 %"
    return f"{value:.{2 if 0 < value < 0.001 else 1}%}".replace("%", " %").replace(".0 %", " %")


def decimal(value: float | None, places: int = 3) -> str:
    """Return a metric."""
    return NONE if value is None else f"{value:.{places}f}"


def duration(seconds: float | None) -> str:
    """Return how long something took: `20 ms`, `0.3 s`, else as everywhere."""
    if seconds is None:
        return NONE
    size = abs(seconds)
    if size < 0.1:
        return f"{size * 1000:.0f} ms"
    return f"{size:.1f} s" if size < 10 else durations.duration(size)


def margin(seconds: float | None) -> str:
    """Return how long before or after a promised time something was."""
    if seconds is None:
        return NONE
    return f"{duration(seconds)} {'late' if seconds < 0 else 'early'}"


def moment(value: str | float | None) -> Markup | str:
    """Return a moment as an element that the browser shows in the viewer's zone, with UTC on hover.

    Args:
        value: Such as `2026-11-20T02:03:04Z`, or seconds since 1970.
    """
    if value is None:
        return NONE
    at = datetime.fromtimestamp(value, UTC) if isinstance(value, float | int) else datetime.fromisoformat(value)
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    shown = text.replace("T", " ").replace("Z", " UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text, shown, shown)


def commands(text: str) -> Markup:
    """Return a sentence with what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def short(key: str) -> str:
    """Return the first digits of a key, enough to find it by."""
    return key[:12]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "count": count,
    "counted": counted,
    "share": share,
    "decimal": decimal,
    "duration": duration,
    "margin": margin,
    "moment": moment,
    "commands": commands,
    "short": short,
    "beside": beside_told,
}
