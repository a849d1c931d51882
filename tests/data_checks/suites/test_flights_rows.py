import functools

import pandas as pd
import pytest

from data_checks import build_profile, run_suite
from data_checks.suites.flights_rows import ALWAYS_KNOWN, DRIFT_LIMITS, RANGES, USUALLY_KNOWN, build
from tests.data_checks.faults import Fault, assert_found, every, put
from tests.data_checks.frames import NIGHT, context, instant, make_rows

ALL = slice(None)
LATER = instant(NIGHT, 18)
OLD = instant(NIGHT - pd.Timedelta(days=1), 9)


@functools.cache
def profile():
    return build_profile(make_rows(seed=1), list(DRIFT_LIMITS))


def range_sentence(column):
    low, high = RANGES[column]
    return f"{column} lies between {low:g} and {high:g}"


def out_of_range():
    return every(*(put(column, RANGES[column][1] + 1, row) for row, column in enumerate(RANGES)))


FAULTS = [
    Fault("a column is missing", lambda f: f.drop(columns="aircraft"), ("the columns are exactly those declared",)),
    Fault("a column too many", lambda f: f.assign(arr_delay=1.0), ("the columns are exactly those declared",)),
    Fault(
        "numbers became text",
        lambda f: f.astype({"carrier_late_rate_7d": "str"}),
        ("every column has its declared type",),
    ),
    Fault(
        "a time lost its zone",
        lambda f: f.assign(known_at=f["known_at"].dt.tz_localize(None)),
        ("every column has its declared type",),
    ),
    Fault("half a file", lambda f: f.iloc[:200], ("the number of rows is possible", "the number of rows is usual")),
    Fault("a thin night", lambda f: f.iloc[:500], ("the number of rows is usual",), "warned"),
    Fault("an id is missing", put("flight_id", None), ("flight_id is never missing",)),
    Fault("a row came twice", lambda f: pd.concat([f, f.iloc[[3]]]), ("flight_id is unique",)),
    Fault(
        "a row of another night",
        put("flight_id", "2013-11-20-UA-1-EWR-0515"),
        ("flight_id names a flight of this partition",),
    ),
    Fault("an unknown cut-off", put("known_at", pd.NaT), ("known_at is never missing",)),
    Fault(
        "made after the flights left",
        put("known_at", LATER, ALL),
        ("known_at is the cut-off of the night", "every row was known before its flight departs"),
    ),
    Fault("tomorrow's weather", put("weather_observed_at", LATER, 5), ("no weather was observed after the cut-off",)),
    Fault(
        "this morning's weather",
        put("weather_observed_at", OLD, ALL),
        ("the weather is at most 6 hours old",),
        "warned",
    ),
    Fault(
        "a flight of the day after",
        put("scheduled_departure", instant(NIGHT + pd.Timedelta(days=1), 0)),
        ("scheduled_departure is on the day of the night",),
        "warned",
    ),
    Fault(
        "essentials are missing",
        every(*(put(column, None, row) for row, column in enumerate(ALWAYS_KNOWN))),
        tuple(f"{column} is known" for column in ALWAYS_KNOWN),
        "warned",
    ),
    Fault(
        "codes that are none",
        every(put("origin", "PHL"), put("carrier", "United", 1), put("destination", "lax", 2)),
        (
            "origin is a New York airport",
            "carrier is a two-character code",
            "destination is a three-letter code",
            "every carrier is one that was seen before",
        ),
        "warned",
    ),
    Fault("numbers beyond reason", out_of_range(), tuple(map(range_sentence, RANGES)), "warned"),
    Fault(
        "a source fell silent",
        every(*(put(column, None, ALL) for column in USUALLY_KNOWN)),
        tuple(f"{column} is known for at least {share:.0%} of the rows" for column, share in USUALLY_KNOWN.items()),
        "warned",
    ),
    Fault(
        "two sensors were swapped",
        lambda f: f.rename(columns={"temperature_f": "dew_point_f", "dew_point_f": "temperature_f"}),
        ("the dew point is not above the temperature",),
        "warned",
    ),
    Fault(
        "the schedule moved",
        lambda f: f.assign(carrier="UA", origin="EWR", departure_minute=600, distance_miles=100.0),
        tuple(f"{column} is distributed as in training" for column in DRIFT_LIMITS),
        "warned",
    ),
]


def test_clean_night_passes_every_expectation(rows):
    result = run_suite("flights_rows", rows, context(profile()))

    assert [outcome for outcome in result.outcomes if not outcome.passed] == []
    assert result.status == "passed"
    assert result.refused.empty


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_planted_fault_is_found(rows, fault):
    assert_found(run_suite("flights_rows", fault.plant(rows), context(profile())), fault)


def test_every_expectation_has_a_planted_fault():
    sentences = [expectation.description for expectation in build(context(profile()))]

    assert len(sentences) >= 12
    assert len(set(sentences)) == len(sentences)
    assert set(sentences) == {says for fault in FAULTS for says in fault.breaks}


def test_without_a_profile_nothing_is_compared_with_training():
    sentences = [expectation.description for expectation in build(context())]

    assert not [says for says in sentences if "training" in says]
    assert len(sentences) == len(build(context(profile()))) - len(DRIFT_LIMITS)


def test_each_strange_number_refuses_its_own_row(rows):
    result = run_suite("flights_rows", out_of_range()(rows), context())

    assert result.refused_positions.tolist() == list(range(len(RANGES)))
    assert result.refused["reasons"].tolist() == [range_sentence(column) for column in RANGES]
    assert result.refused["flight_id"].tolist() == rows["flight_id"].iloc[: len(RANGES)].tolist()


def test_training_window_allows_all_its_nights_and_no_other(rows):
    three = pd.concat([make_rows(NIGHT + pd.Timedelta(days=day)) for day in range(3)], ignore_index=True)

    assert run_suite("flights_rows", three, context(nights=3)).status == "passed"
    outside = run_suite("flights_rows", three, context(nights=2))
    assert "known_at is the cut-off of the night" in {outcome.description for outcome in outside.failures}


def test_night_on_which_clocks_change_passes():
    night = NIGHT.replace(day=3)  # 2013-11-03: New York leaves summer time

    assert run_suite("flights_rows", make_rows(night), context(night=night)).status == "passed"
