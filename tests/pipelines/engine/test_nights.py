"""Nights and ranges of nights are read as people write them; anything else is refused in words."""

from datetime import date

import pytest

from pipelines.engine.errors import UnknownNight
from pipelines.engine.nights import nights_between, parse_night, parse_nights, span, training_nights
from pipelines.engine.pipeline import Window

TODAY = date(2013, 11, 19)


def test_one_night():
    assert parse_night("2013-11-19") == "2013-11-19"
    assert parse_nights("2013-11-19") == ["2013-11-19"]


def test_range_includes_both_ends():
    assert parse_nights("2013-02-27..2013-03-02") == ["2013-02-27", "2013-02-28", "2013-03-01", "2013-03-02"]


def test_leap_day_is_a_night():
    assert parse_nights("2012-02-28..2012-03-01") == ["2012-02-28", "2012-02-29", "2012-03-01"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2013-11",
        "20131119",
        "2013-W47-2",
        "2013-02-29",
        "2013-13-01",
        " 2013-11-19",
        "2013-11-19T00:00",
    ],
)
def test_what_is_not_a_night_is_refused(text):
    with pytest.raises(UnknownNight, match="is not a night; expected a date such as 2013-11-19"):
        parse_night(text)


@pytest.mark.parametrize("text", ["2013-11-19..", "..2013-11-19", "..", "2013-11-19...2013-11-20", "2013-11-19..soon"])
def test_range_without_two_ends_is_refused(text):
    with pytest.raises(UnknownNight, match="is not a night"):
        parse_nights(text)


def test_range_in_the_wrong_order_is_refused_with_the_right_one():
    with pytest.raises(UnknownNight, match=r"did you mean 2013-11-19\.\.2013-11-25"):
        parse_nights("2013-11-25..2013-11-19")


def test_tomorrow_can_have_rows():
    assert parse_night("2013-11-20", today=TODAY) == "2013-11-20"


@pytest.mark.parametrize("text", ["2013-11-21", "2013-11-19..2013-11-21", "2113-11-19"])
def test_night_in_the_future_is_refused(text):
    with pytest.raises(
        UnknownNight, match="lies in the future; the newest that can have rows is tomorrow's, 2013-11-20"
    ):
        parse_nights(text, today=TODAY)


def test_training_takes_the_holdout_from_the_newest_labelled_nights():
    learn, holdout = training_nights("2013-11-19", Window(nights=5, holdout=2), lag_nights=2)
    assert learn == ["2013-11-13", "2013-11-14", "2013-11-15"]
    assert holdout == ["2013-11-16", "2013-11-17"]


def test_span_names_both_ends_or_the_only_night():
    assert span(nights_between("2013-11-19", "2013-11-21")) == "2013-11-19..2013-11-21"
    assert span(["2013-11-19"]) == "2013-11-19"
