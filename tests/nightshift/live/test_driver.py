"""The driver's rules, and what people are told of a replay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nightshift.factories import scoring_dag
from nightshift.live.driver import pause_of, replayed_dags, run_id_of
from nightshift.live.start import in_words, last_nights
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.promises.values import Declaration
from pipelines.engine.replay import begin, keep, run
from pipelines.engine.settings import read_settings
from pipelines.flights import flights
from pipelines.flights.live import recording

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC).timestamp()
SPAN = {"starts": datetime(2013, 1, 1, tzinfo=UTC).timestamp(), "ends": datetime(2014, 1, 1, tzinfo=UTC).timestamp()}
DATES = {"start_date": datetime(2013, 1, 1, tzinfo=UTC), "end_date": datetime(2014, 1, 1, tzinfo=UTC)}
SCORING = Declaration(
    dag_id="flights_scoring",
    kind="scoring",
    pipeline="flights",
    schedule="0 2 * * *",
    timezone="America/New_York",
    partitioned=True,
    **SPAN,
)


def a_replay(speed: float):
    return run(begin(recording, "flights", now=NOW, speed=speed), NOW)


@pytest.mark.parametrize(("speed", "pause"), [(1.0, 1.0), (60.0, 1.0), (600.0, 0.1), (3600.0, 0.1)])
def test_it_looks_about_once_a_minute_of_the_replay_and_never_more_often_than_ten_times_a_second(speed, pause):
    assert pause_of(speed) == pause


def test_a_night_s_run_has_one_name_in_a_replay():
    assert run_id_of(a_replay(600.0), "2026-11-21") == "live__20261120T100000__2026-11-21"


def test_it_starts_the_runs_of_the_replayed_pipeline_alone(sqlite_ledger_url):
    observations = Observations(sqlite_ledger_url)
    others = [
        replace(SCORING, dag_id="parcels_scoring", pipeline="parcels"),
        replace(SCORING, dag_id="flights_maintenance", kind="maintenance"),
        replace(SCORING, dag_id="flights_by_hand", schedule=None),
    ]
    observations.declare([one.to_json() for one in (SCORING, *others)])
    [found] = replayed_dags(observations, a_replay(600.0))
    assert (found.dag_id, found.starts) == ("flights_scoring", NOW)


def test_history_is_the_last_nights_whose_time_has_come():
    assert last_nights(SCORING, a_replay(600.0), NOW, 3) == ["2026-11-18", "2026-11-19", "2026-11-20"]
    before_two = NOW - 4 * 3600
    early = begin(recording, "flights", now=before_two, speed=600.0)
    assert last_nights(SCORING, early, before_two, 2) == ["2026-11-18", "2026-11-19"]
    assert last_nights(SCORING, a_replay(600.0), NOW, 0) == []


def test_people_are_told_what_time_it_is_what_comes_next_and_when_it_ends():
    said = in_words(a_replay(600.0), recording, [SCORING], NOW)
    assert said[0] == "Replay of flights, 600 times as fast as real time: it is Friday 2026-11-20 05:00 there."
    assert "Next rows: of night 2026-11-21, Friday 2026-11-20 18:00 (in 78 s)." in said
    assert "Next labels: of night 2026-11-19, Friday 2026-11-20 12:00 (in 42 s)." in said
    assert said[-1] == "It is over after night 2026-12-29."


def test_people_are_told_when_it_is_over_and_what_to_do():
    replay = a_replay(600.0)
    said = in_words(replay, recording, [SCORING], replay.clock.ledger_time(replay.over_at))
    assert "It is over" in said[1]
    assert "nightshift up --live --restart" in said[1]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    return read_settings()


def dates():
    dag = scoring_dag(flights, schedule="0 2 * * *", timezone="America/New_York", owner="us", **DATES)
    return dag.start_date, dag.end_date


def test_a_dag_keeps_its_dates_without_a_replay(home):
    assert dates() == (DATES["start_date"], DATES["end_date"])


def test_a_replay_in_real_time_gives_the_dag_its_dates_so_that_airflow_s_scheduler_starts_it(home):
    replay = keep(home, a_replay(1.0))
    starts, ends = dates()
    assert starts.timestamp() == NOW
    assert starts.timestamp() < ends.timestamp() <= replay.over_at


def test_a_replay_that_starts_its_runs_itself_leaves_the_dag_to_the_past(home):
    keep(home, a_replay(600.0))
    assert dates() == (DATES["start_date"], DATES["end_date"])
