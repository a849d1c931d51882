"""What both flight suites know: the clock of a night, the shape of an id, and how a column may drift."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from great_expectations.expectations import core as gxe

from data_checks.declare import warning
from data_checks.profile import entry_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from great_expectations.expectations.expectation import Expectation

    from data_checks.context import SuiteContext

NEW_YORK = ZoneInfo("America/New_York")
AIRPORTS = ("EWR", "JFK", "LGA")

# New York has 634 (Thanksgiving) to 1014 departures a day in 2013. Outside the first pair a file is not a night at all.
ROWS_POSSIBLE = (300, 1500)
ROWS_USUAL = (600, 1100)


def cut_off(night: date) -> datetime:
    """When the rows of a night are made: 18:00 in New York on the evening before, in UTC."""
    return _new_york(night - timedelta(days=1), 18)


def labels_arrive(night: date) -> datetime:
    """When the labels of a night are known: noon in New York on the day after, in UTC."""
    return _new_york(night + timedelta(days=1), 12)


def day_begins(night: date) -> datetime:
    """Local midnight in New York, in UTC."""
    return _new_york(night, 0)


def _new_york(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=NEW_YORK).astimezone(UTC)


def flight_id_regex(context: SuiteContext) -> str:
    """The form of a flight id, such as 2013-11-01-UA-1545-EWR-0515; for one night, with its date."""
    first, last = context.window
    day = re.escape(first.isoformat()) if first == last else r"\d{4}-\d{2}-\d{2}"
    return rf"^{day}-[A-Z0-9]{{2}}-\d{{1,4}}-(?:{'|'.join(AIRPORTS)})-(?:[01]\d|2[0-3])[0-5]\d$"


def row_count(bounds: tuple[int, int], context: SuiteContext) -> Expectation:
    """A row count between `bounds` per night."""
    low, high = bounds
    return gxe.ExpectTableRowCountToBeBetween(min_value=low * context.nights, max_value=high * context.nights)


def like_training(context: SuiteContext, limits: Mapping[str, float]) -> list[Expectation]:
    """A warning for each column whose KL divergence from the training profile exceeds its limit.

    Columns that the profile does not describe are left out: there is nothing to compare with.
    """
    if context.profile is None:
        return []
    described = [column for column in limits if (context.profile.get("columns") or {}).get(column, {}).get("partition")]
    return [
        warning(f"{column} is distributed as in training", _divergence(context, column, limits[column]))
        for column in described
    ]


def _divergence(context: SuiteContext, column: str, limit: float) -> Expectation:
    entry = entry_of(context.profile or {}, column)
    # A value that training never saw gets a thousandth, instead of being infinitely surprising.
    holdout = max(entry["other_share"], 0.001) if entry["kind"] == "categorical" else 0
    return gxe.ExpectColumnKLDivergenceToBeLessThan(
        column=column, partition_object=dict(entry["partition"]), threshold=limit, tail_weight_holdout=holdout
    )
