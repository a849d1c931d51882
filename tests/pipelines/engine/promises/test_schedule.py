"""When nights begin and are due, above all on the two days when clocks change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.promises.schedule import due_at, first_at, is_at_most_daily, night_of, tick_of, ticks
from pipelines.engine.promises.values import Declaration, Promise

NEW_YORK = ZoneInfo("America/New_York")
NIGHTLY = Declaration("tides_scoring", schedule="0 2 * * *", timezone="America/New_York", partitioned=True)
BY_SIX = Promise("finish_by", "tides_scoring", at="06:00", timezone="America/New_York")


def at(text: str, zone: ZoneInfo = NEW_YORK) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def due(tick: float, promise: Promise = BY_SIX) -> datetime:
    moment = due_at(promise, tick=tick, began=None)
    assert moment is not None
    return datetime.fromtimestamp(moment, ZoneInfo(promise.timezone))


def test_six_oclock_is_four_hours_after_two():
    assert due(at("2026-11-20T02:00")).isoformat() == "2026-11-20T06:00:00-05:00"


def test_six_oclock_is_three_hours_after_two_when_clocks_jump_ahead():
    (tick,) = ticks(NIGHTLY, at("2026-03-08T00:00"), at("2026-03-08T23:00"))
    assert datetime.fromtimestamp(tick, NEW_YORK).isoformat() == "2026-03-08T03:00:00-04:00"
    assert due(tick).isoformat() == "2026-03-08T06:00:00-04:00"
    assert night_of(NIGHTLY, tick) == "2026-03-08"


def test_six_oclock_is_an_hour_further_away_when_clocks_jump_back():
    tick = at("2026-11-01T00:30")
    assert due(tick).timestamp() - tick == timedelta(hours=6.5).total_seconds()


def test_time_that_clocks_jump_over_is_due_at_the_jump():
    jump = Promise("finish_by", "tides_scoring", at="02:30", timezone="America/New_York")
    assert due(at("2026-03-08T00:30"), jump).isoformat() == "2026-03-08T03:00:00-04:00"


def test_time_that_exists_twice_is_due_the_first_time():
    twice = Promise("finish_by", "tides_scoring", at="01:30", timezone="America/New_York")
    assert due(at("2026-11-01T00:30"), twice).isoformat() == "2026-11-01T01:30:00-04:00"


def test_run_that_begins_in_the_evening_is_due_in_the_morning():
    assert due(at("2026-11-20T22:00")).isoformat() == "2026-11-21T06:00:00-05:00"


def test_night_due_at_the_very_tick_is_due_a_day_later():
    assert due(at("2026-11-20T06:00")).isoformat() == "2026-11-21T06:00:00-05:00"


def test_promise_may_be_in_another_zone_than_the_schedule():
    berlin = Promise("finish_by", "tides_scoring", at="12:00", timezone="Europe/Berlin")
    assert due(at("2026-11-20T02:00"), berlin).isoformat() == "2026-11-20T12:00:00+01:00"


def test_within_counts_from_the_beginning():
    within = Promise("finish_within", "tides_training", within_seconds=7200.0)
    assert due_at(within, tick=0.0, began=100.0) == 7300.0
    assert due_at(within, tick=0.0, began=None) is None


def test_dag_that_ended_has_no_more_ticks():
    ended = Declaration("a", schedule="0 2 * * *", starts=at("2026-11-01T00:00"), ends=at("2026-11-03T00:00"))
    assert len(ticks(ended, at("2026-10-01T00:00"), at("2026-12-01T00:00"))) == 2


def test_dag_without_a_schedule_has_no_ticks():
    assert ticks(Declaration("a"), 0.0, 1e9) == []


@pytest.mark.parametrize(
    ("night", "begins"),
    [
        ("2026-03-08", datetime(2026, 3, 8, 7, tzinfo=UTC)),  # 02:00 does not exist: read by the clock before the jump
        ("2026-03-09", datetime(2026, 3, 9, 6, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, 7, tzinfo=UTC)),
        ("2026-02-30", None),
        ("by hand", None),
    ],
)
def test_nights_begin_by_the_clock_of_their_zone(night, begins):
    assert tick_of(NIGHTLY, night) == (begins.timestamp() if begins else None)


def test_night_that_was_due_before_the_schedule_began_has_its_tick_all_the_same():
    later = replace(NIGHTLY, starts=at("2026-12-01T00:00"))
    assert tick_of(later, "2026-11-20") == at("2026-11-20T02:00")


def test_several_runs_a_day_are_named_by_their_time():
    often = Declaration("a", schedule="0 */6 * * *")
    assert not is_at_most_daily(often)
    assert night_of(often, at("2026-11-20T06:00", ZoneInfo("UTC"))) == "2026-11-20T06:00"


@given(
    after=st.floats(1.7e9, 2.0e9),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    zone=st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_due_time_is_the_next_at_which_clocks_show_it_or_jump_over_it(after, hour, minute, zone):
    moment = first_at(f"{hour:02}:{minute:02}", ZoneInfo(zone), after=after)
    assert after < moment <= after + 26 * 3600
    shown = datetime.fromtimestamp(moment, ZoneInfo(zone))
    before = datetime.fromtimestamp(moment - 60, ZoneInfo(zone))
    jumped = shown.utcoffset() != before.utcoffset()
    assert (shown.hour, shown.minute) == (hour, minute) or (jumped and (shown.hour, shown.minute) > (hour, minute))
