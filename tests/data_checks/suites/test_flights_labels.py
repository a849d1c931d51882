import functools

import numpy as np
import pandas as pd
import pytest

from data_checks import build_profile, run_suite
from data_checks.suites.flights_labels import build
from tests.data_checks.faults import Fault, assert_found, every, put
from tests.data_checks.frames import NIGHT, context, instant, make_labels

ALL = slice(None)


@functools.cache
def profile():
    return build_profile(make_labels(seed=1), ["late", "outcome"])


def first_of(outcome, **values):
    """A fault that writes `values` into the first row with that outcome."""

    def plant(frame):
        row = int(np.flatnonzero(frame["outcome"] == outcome)[0])
        return every(*(put(column, value, row) for column, value in values.items()))(frame)

    return plant


def everything_is(late, outcome):
    return lambda frame: frame.assign(late=np.int64(late), outcome=outcome, arrival_delay_minutes=np.nan)


FAULTS = [
    Fault("a column is missing", lambda f: f.drop(columns="late"), ("the columns are exactly those declared",)),
    Fault("late became a fraction", lambda f: f.astype({"late": "float64"}), ("every column has its declared type",)),
    Fault("half a file", lambda f: f.iloc[:200], ("the number of labels is possible", "the number of labels is usual")),
    Fault("a thin night", lambda f: f.iloc[:500], ("the number of labels is usual",), "warned"),
    Fault("an id is missing", put("flight_id", None), ("flight_id is never missing",)),
    Fault("an arrival time is missing", put("label_arrived_at", pd.NaT), ("label_arrived_at is never missing",)),
    Fault(
        "a label is missing",
        lambda f: put("late", pd.NA)(f.astype({"late": "Int64"})),
        ("late is never missing",),
    ),
    Fault("an outcome is missing", put("outcome", None), ("outcome is never missing",)),
    Fault("a label came twice", lambda f: pd.concat([f, f.iloc[[3]]]), ("flight_id is unique",)),
    Fault("ids of another form", put("flight_id", "UA1545"), ("flight_id names a flight of this partition",)),
    Fault(
        "labels from before the flights",
        put("label_arrived_at", instant(NIGHT, 12), ALL),
        ("label_arrived_at is noon of the day after",),
    ),
    Fault("a third class", put("late", 2), ("late is 0 or 1", "late agrees with outcome")),
    Fault("an outcome nobody knows", put("outcome", "lost"), ("outcome is one of the four",)),
    Fault("late but labelled on time", first_of("late", late=0), ("late agrees with outcome",)),
    Fault(
        "a delay of years",
        first_of("late", arrival_delay_minutes=9e6),
        ("arrival_delay_minutes lies between -180 and 3000",),
        "warned",
    ),
    Fault(
        "delays that belong to others",
        every(first_of("on_time", arrival_delay_minutes=15.0), first_of("late", arrival_delay_minutes=14.0)),
        (
            "a flight that was on time has a delay below 15 minutes",
            "a flight that was late has a delay of 15 minutes or more",
        ),
        "warned",
    ),
    Fault(
        "delays where there are none, and none where they are",
        every(first_of("late", arrival_delay_minutes=None), first_of("diverted", arrival_delay_minutes=40.0)),
        ("a flight that arrived has a delay", "a flight that did not arrive has no delay"),
        "warned",
    ),
    Fault(
        "the airport was closed",
        everything_is(1, "cancelled"),
        (
            "between 2% and 85% of the flights are late",
            "at most 30% of the flights are cancelled",
            "late is distributed as in training",
            "outcome is distributed as in training",
        ),
        "warned",
    ),
    Fault(
        "delays in seconds",
        lambda f: f.assign(arrival_delay_minutes=f["arrival_delay_minutes"] - 600),
        ("the median delay lies between -40 and 90 minutes",),
        "warned",
    ),
]


def test_clean_night_passes_every_expectation(labels):
    result = run_suite("flights_labels", labels, context(profile()))

    assert [outcome for outcome in result.outcomes if not outcome.passed] == []
    assert result.status == "passed"
    assert result.refused.empty


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_planted_fault_is_found(labels, fault):
    assert_found(run_suite("flights_labels", fault.plant(labels), context(profile())), fault)


def test_every_expectation_has_a_planted_fault():
    sentences = [expectation.description for expectation in build(context(profile()))]

    assert len(sentences) >= 12
    assert len(set(sentences)) == len(sentences)
    assert set(sentences) == {says for fault in FAULTS for says in fault.breaks}


def test_label_that_contradicts_its_delay_refuses_that_row_alone(labels):
    row = int(np.flatnonzero(labels["outcome"] == "on_time")[7])
    result = run_suite("flights_labels", put("arrival_delay_minutes", 33.0, row)(labels), context())

    assert result.status == "warned"
    assert result.refused_positions.tolist() == [row]
    assert result.refused["reasons"].tolist() == ["a flight that was on time has a delay below 15 minutes"]
