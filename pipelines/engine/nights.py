"""Nights: the partition keys of a pipeline's rows, as pure rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from pipelines.engine.errors import UnknownNight
from pipelines.engine.pipeline import Window

NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}")


def parse_night(text: str, *, today: date | None = None) -> str:
    """Check that a text names a night, and that the night is not in the future.

    Args:
        text: Such as `2013-11-19`.
        today: The newest night that can exist; None to allow any.

    Raises:
        UnknownNight: With what was expected and what came.
    """
    try:
        night = date.fromisoformat(text if NIGHT.fullmatch(text) else "")
    except ValueError:
        raise UnknownNight(f"{text[:80]!r} is not a night; expected a date such as 2013-11-19") from None
    if today and night > today + timedelta(days=1):
        raise UnknownNight(
            f"night {text} lies in the future; the newest that can have rows is tomorrow's, {today + timedelta(days=1)}"
        )
    return text


def parse_nights(text: str, *, today: date | None = None) -> list[str]:
    """Read one night (`2013-11-19`) or an inclusive range (`2013-11-19..2013-11-25`).

    Raises:
        UnknownNight: One of the ends is not a night, or they are in the wrong order.
    """
    first, dots, last = text.partition("..")
    start = parse_night(first, today=today)
    end = parse_night(last, today=today) if dots else start
    if end < start:
        raise UnknownNight(f"{text!r} ends before it begins; did you mean {end}..{start}?")
    return nights_between(start, end)


def nights_between(first: str, last: str) -> list[str]:
    """Return the nights from `first` to `last`, both included."""
    start, days = date.fromisoformat(first), (date.fromisoformat(last) - date.fromisoformat(first)).days
    return [(start + timedelta(days=day)).isoformat() for day in range(days + 1)]


def training_nights(as_of: str, window: Window, lag_nights: int) -> tuple[list[str], list[str]]:
    """Return the nights to learn from and the holdout nights, as known when night `as_of` begins.

    The newest labelled night is `as_of - lag_nights`.
    """
    newest = date.fromisoformat(as_of) - timedelta(days=lag_nights)
    oldest = newest - timedelta(days=window.nights - 1)
    nights = nights_between(oldest.isoformat(), newest.isoformat())
    return nights[: -window.holdout], nights[-window.holdout :]


def span(nights: Sequence[str]) -> str:
    """Return `first..last`, or the night itself if there is one only."""
    return nights[0] if len(nights) == 1 else f"{nights[0]}..{nights[-1]}"
