"""Flights of 2013 moved to another year: same local clock, same weekday, and still fit for their checks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_checks import SuiteContext, run_suite
from pipelines.flights import flights
from pipelines.flights.history import build_nights
from pipelines.flights.live import shift
from pipelines.flights.sources import load_sources, package_folder

ZONE = ZoneInfo("America/New_York")
NIGHTS = [date(2013, 11, 2), date(2013, 3, 10), date(2013, 11, 3), date(2013, 11, 10), date(2013, 11, 22)]
WEEKS = st.integers(0, 1240).map(
    lambda weeks: 7 * weeks
)  # up to 2036: later ones pyarrow and zoneinfo read differently
TIMES = st.integers(1_356_998_400, 1_388_534_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SPRING, AUTUMN, FRIDAY = date(2013, 3, 10), date(2013, 11, 3), date(2013, 11, 22)
MOVES = [
    (FRIDAY, date(2026, 11, 20)),
    (SPRING, date(2026, 11, 1)),  # from a day of 23 hours to one of 25
    (AUTUMN, date(2026, 3, 8)),  # and the other way round
    (AUTUMN, date(2026, 11, 8)),
    (date(2013, 11, 10), date(2026, 3, 8)),
]


@pytest.fixture(scope="module")
def nights():
    return {night.day: night for night in build_nights(load_sources(package_folder()), NIGHTS)}


def departures(moments):
    return pa.table({"scheduled_departure": pa.array(moments, pa.timestamp("us", "UTC"))})


def local(moment: datetime) -> datetime:
    return moment.astimezone(ZONE).replace(tzinfo=None)


@settings(deadline=None)
@given(TIMES, WEEKS)
def test_local_clocks_show_the_same_time_on_the_new_day(moment, days):
    [moved] = shift(departures([moment]), days)["scheduled_departure"].to_pylist()
    wanted = local(moment) + timedelta(days=days)
    if local(wanted.replace(tzinfo=ZONE).astimezone(UTC)) == wanted:  # a time that exists
        assert local(moved) == wanted
        assert moved == wanted.replace(tzinfo=ZONE, fold=0).astimezone(UTC)
    else:
        assert timedelta() < local(moved) - wanted <= timedelta(hours=1)
    assert local(moved).weekday() == local(moment).weekday()


@settings(deadline=None)
@given(TIMES, WEEKS)
def test_there_and_back_is_the_same_but_for_hours_that_do_not_exist_or_exist_twice(moment, days):
    there = shift(departures([moment]), days)
    [again] = shift(there, -days)["scheduled_departure"].to_pylist()
    assert abs(again - moment) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-08 02:30", "2026-03-08 03:00-04:00"),  # does not exist: the moment after the jump
        ("2026-11-01 01:30", "2026-11-01 01:30-04:00"),  # exists twice: the first
        ("2026-11-01 02:30", "2026-11-01 02:30-05:00"),
    ],
)
def test_days_on_which_clocks_change(day, expected):
    source = datetime.fromisoformat(day).replace(tzinfo=ZONE) - timedelta(days=7)
    [moved] = shift(departures([source.astimezone(UTC)]), 7)["scheduled_departure"].to_pylist()
    assert moved == datetime.fromisoformat(expected)


def test_ids_and_months_are_those_of_the_new_night(nights):
    rows = shift(nights[date(2013, 11, 2)].rows, 4746).to_pandas()
    assert set(rows["flight_id"].str[:10]) == {"2026-10-31"}
    assert set(rows["month"]) == {10}
    assert set(rows["weekday"]) == {6}


def test_everything_else_stays_as_it_was(nights):
    before = nights[date(2013, 11, 22)].rows
    after = shift(before, 4746)
    assert after.schema == before.schema
    moved = {"flight_id", "month", "known_at", "scheduled_departure", "weather_observed_at"}
    for name in set(before.column_names) - moved:
        assert after[name].equals(before[name]), name


def test_days_that_are_no_weeks_are_refused():
    with pytest.raises(ValueError, match="not whole weeks"):
        shift(departures([]), 3)


@pytest.mark.parametrize(("day", "moved"), MOVES)
def test_moved_nights_pass_their_checks(nights, day, moved):
    for suite, table in (("flights_rows", nights[day].rows), ("flights_labels", nights[day].labels)):
        context = SuiteContext(moved.isoformat(), nights=1, id_columns=tuple(flights.id_columns))
        result = run_suite(suite, shift(table, (moved - day).days).to_pandas(), context)
        wrong = [outcome.description for outcome in result.outcomes if not outcome.passed]
        assert (result.status, wrong) == ("passed", []), suite
