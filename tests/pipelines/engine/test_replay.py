"""The rules of a replay: which week it is, when it begins, how it goes on, and what it means for schedules."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from pipelines.engine.clock import REAL
from pipelines.engine.errors import UsageError
from pipelines.engine.promises.schedule import night_of, ticks
from pipelines.engine.promises.values import Declaration
from pipelines.engine.replay import (
    Replay,
    as_replayed,
    at_time,
    begin,
    evening_after,
    file_of,
    go_on,
    interrupt,
    keep,
    read_clock,
    read_kept,
    read_replay,
    run,
)
from pipelines.engine.settings import read_settings
from pipelines.flights.live import recording

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC).timestamp()
MOMENTS = st.floats(1.42e9, 2.2e9)  # 2015 to 2039
NIGHTLY = Declaration(
    dag_id="flights_scoring",
    kind="scoring",
    pipeline="flights",
    schedule="0 2 * * *",
    timezone="America/New_York",
    starts=datetime(2013, 1, 1, tzinfo=UTC).timestamp(),
    ends=datetime(2014, 1, 1, tzinfo=UTC).timestamp(),
    partitioned=True,
)


def a_replay(speed: float = 600.0, now: float = NOW, showed: float | None = None) -> Replay:
    return begin(recording, "flights", now=now, speed=speed, showed=showed)


@pytest.fixture
def settings(tmp_path):
    return read_settings({"NIGHTSHIFT_HOME": str(tmp_path / "home")})


@with_settings(deadline=None)
@given(MOMENTS)
def test_it_is_the_same_day_of_the_week_in_the_week_of_the_demonstration(now):
    replay = a_replay(1.0, now)
    today = datetime.fromtimestamp(now, ZONE).date()
    source = date.fromisoformat(replay.recorded(str(today)))
    assert replay.days % 7 == 0
    assert source.weekday() == today.weekday()
    assert date(2013, 11, 19) <= source <= date(2013, 11, 25)
    assert (date.fromisoformat(replay.last) - today).days >= 5 * 7


@pytest.mark.parametrize("speed", [0.0, -1.0, 0.5, 1e6])
def test_a_speed_that_cannot_be_is_refused(speed):
    with pytest.raises(UsageError, match="expected 1"):
        a_replay(speed)


def test_real_time_shows_the_real_time():
    assert a_replay(1.0).clock == REAL
    with pytest.raises(UsageError, match="give a --speed"):
        a_replay(1.0, showed=NOW + 60)


def test_its_clock_runs_once_it_is_prepared_and_its_history_is_seen_at_its_speed():
    prepared = a_replay()
    assert prepared.clock.shows(NOW + 90) == NOW + 90
    running = run(prepared, NOW + 90)
    assert (running.starts, running.clock.shows(NOW + 90)) == (NOW + 90, NOW + 90)
    assert running.clock.shows(NOW + 91) == NOW + 90 + 600
    assert running.clock.shows(NOW + 90) - running.clock.shows(NOW + 80) == 6000
    assert run(running, NOW + 1000) == running


def test_it_goes_on_from_where_it_was_seen_last():
    running = run(a_replay(), NOW)
    stopped = running.clock.shows(NOW + 60)
    again = go_on(running, NOW + 5000, NOW + 60)
    assert not again.running
    assert again.clock.shows(NOW + 5000) == stopped
    going = run(again, NOW + 5030)
    assert going.clock.shows(NOW + 5030) == stopped + 30
    assert going.clock.shows(NOW + 5031) == stopped + 630
    assert going.starts == running.starts
    assert going.clock.shows(NOW + 30) == running.clock.shows(NOW + 30)


def test_one_that_was_never_seen_running_goes_on_from_its_beginning():
    running = run(a_replay(), NOW)
    assert go_on(running, NOW + 5000, None).clock.shows(NOW + 5000) == NOW


def test_in_real_time_there_is_nothing_to_go_on_from():
    running = run(a_replay(1.0), NOW)
    assert go_on(replace(running, on=False), NOW + 5000, NOW) == running


def test_a_sped_up_schedule_reaches_from_the_beginning_to_the_last_night():
    replay = run(a_replay(), NOW)
    found = as_replayed(NIGHTLY, replay)
    nights = [night_of(found, tick) for tick in ticks(found, 0.0, NOW + 100 * 86_400)]
    assert (nights[0], nights[-1]) == ("2026-11-21", replay.last)
    assert replay.recorded(nights[0]) == "2013-11-23"


def test_the_schedules_of_others_stay_as_they_are():
    replay = run(a_replay(), NOW)
    other = replace(NIGHTLY, pipeline="parcels")
    assert as_replayed(other, replay) == other
    assert as_replayed(NIGHTLY, None) == NIGHTLY


def test_in_real_time_a_dag_says_itself_when_it_runs_and_one_that_was_read_before_is_moved():
    replay = run(a_replay(1.0), NOW)
    moved = as_replayed(NIGHTLY, replay)
    assert (moved.starts, moved.ends) == replay.span(NIGHTLY.starts, NIGHTLY.ends)
    assert as_replayed(moved, replay) == moved


def test_it_is_over_when_the_day_of_its_last_night_is():
    replay = a_replay()
    assert datetime.fromtimestamp(replay.over_at, ZONE) == datetime(2026, 12, 30, tzinfo=ZONE)
    assert replay.recorded(replay.last) == "2013-12-31"


def test_evenings_and_times_are_those_of_local_clocks():
    assert datetime.fromtimestamp(evening_after("2026-11-20", ZONE.key), ZONE).hour == 17
    assert datetime.fromtimestamp(at_time(NOW, time(1, 55), ZONE.key), ZONE) == datetime(
        2026, 11, 20, 1, 55, tzinfo=ZONE
    )


def test_it_is_read_as_it_was_kept_by_its_owner_alone(settings):
    assert read_replay(settings) is None
    assert read_clock(settings) == REAL
    replay = keep(settings, run(go_on(run(a_replay(), NOW), NOW + 9, NOW + 5), NOW + 10))
    assert read_replay(settings) == replay
    assert read_clock(settings) == replay.clock
    assert stat.S_IMODE(file_of(settings).stat().st_mode) == 0o600


def test_an_interrupted_one_is_kept_and_changes_no_clock(settings):
    replay = keep(settings, run(a_replay(), NOW))
    assert interrupt(settings)
    assert not interrupt(settings)
    assert read_replay(settings) is None
    assert read_clock(settings) == REAL
    assert read_kept(settings) == replace(replay, on=False)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"clock": 3}', '{"clock": {}, "pipeline": "x"}'])
def test_a_damaged_file_is_said_with_what_to_do(settings, content):
    file_of(settings).parent.mkdir()
    file_of(settings).write_text(content)
    with pytest.raises(UsageError, match="Delete it, and begin a new one"):
        read_replay(settings)
