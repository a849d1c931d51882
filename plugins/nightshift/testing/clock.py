"""Time that a test decides: what the house's ledger answers as now.

The ledger asks its database for the time. In a house, SQLite's own function for that is replaced by this clock, so that
every statement of the real ledger runs as it is, and leases run out when the test says so.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from pipelines.engine.errors import UsageError

JULIAN_DAY_OF_1970 = 2440587.5
SECONDS_A_DAY = 86400.0


class Clock:
    """Shows the time from which it was started, and goes on from there as clocks do, unless it is set.

    Args:
        start: Where it begins; this machine's time by default.
    """

    def __init__(self, start: datetime | str | None = None) -> None:
        self._shown = _seconds(start) if start is not None else time.time()
        self._since = time.monotonic()
        self.passed = 0.0
        """Seconds that it was advanced by."""

    def seconds(self) -> float:
        """Return the time in seconds since 1970."""
        return self._shown + time.monotonic() - self._since

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def at(self, moment: datetime | str) -> None:
        """Set the clock, forwards or backwards.

        Args:
            moment: With its time zone; as text in ISO form, such as `2013-11-19T02:00:00Z`.

        Raises:
            UsageError: It is no time, or says no time zone.
        """
        self._shown, self._since = _seconds(moment), time.monotonic()

    def advance(self, by: timedelta | float) -> None:
        """Let time pass at once.

        Args:
            by: How much; a number is in seconds.

        Raises:
            UsageError: It is negative; `at` sets a clock back.
        """
        seconds = by.total_seconds() if isinstance(by, timedelta) else float(by)
        if seconds < 0:
            raise UsageError(f"a clock cannot be advanced by {seconds:g} s; set it back with `clock.at(...)`.")
        self._shown += seconds
        self.passed += seconds

    def julian_day(self, *_: object) -> float:
        """Return the time as SQLite's `julianday('now')` does."""
        return self.seconds() / SECONDS_A_DAY + JULIAN_DAY_OF_1970


def _seconds(moment: datetime | str) -> float:
    try:
        meant = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        raise UsageError(f"{moment!r} is no time; expected ISO form, such as '2013-11-19T02:00:00Z'.") from None
    if meant.tzinfo is None:
        raise UsageError(
            f"{moment} says no time zone; write '2013-11-19T02:00:00Z', or give a datetime with tzinfo=UTC."
        )
    return meant.timestamp()
