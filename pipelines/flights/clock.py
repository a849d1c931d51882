"""When things become known: the local clock of New York, which all three origins share."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")

CUT_OFF = time(18, 0)
"""A night's rows hold what is known at this local time of the day before."""

RECORDS_ARRIVE = time(12, 0)
"""A day's records (what flew, how late) arrive at this local time of the day after."""


def known_at(night: date) -> datetime:
    """Return the cut-off of a night: the evening before, in UTC."""
    return local(night - timedelta(days=1), CUT_OFF)


def records_arrive_at(day: date) -> datetime:
    """Return when the records of a day have arrived: noon of the day after, in UTC."""
    return local(day + timedelta(days=1), RECORDS_ARRIVE)


def local(day: date, at: time) -> datetime:
    """Return a local time of New York in UTC.

    A time that the clock shows twice in autumn is taken as the first of the two; one that it skips in spring is
    read with the offset from before the change, as `zoneinfo` does with `fold=0`.
    """
    return datetime.combine(day, at, tzinfo=NEW_YORK).astimezone(UTC)


def departure_hours(day: date) -> list[tuple[int, datetime]]:
    """Return every hour that a timetable of this day can name, 0 to 24, with its instant in UTC."""
    today = [(hour, local(day, time(hour))) for hour in range(24)]
    return [*today, (24, local(day + timedelta(days=1), time(0)))]
