"""The example pipeline's own DAG file, run in memory on real flights, with the real suite."""

from __future__ import annotations

import time

import pytest

from nightshift.testing import assert_idempotent, faults, run_dag
from tests.dags.airflow_home import ROOT
from tests.nightshift.testing.conftest import FLIGHT_NIGHTS

NIGHT = FLIGHT_NIGHTS[-1]
SCORING = {"dag_id": "flights_scoring", "partition_key": NIGHT}
FILE = ROOT / "dags" / "flights.py"
BUDGET_SECONDS = 1.0


def test_a_night_of_flights_takes_under_a_second(airport, flight_nights):
    run_dag(FILE, **SCORING).succeeded()  # what a process does once: imports, and Airflow's plugins
    rows = flight_nights[NIGHT][0]
    took = []
    for seed in range(3):
        airport.deliver(
            "flights", NIGHT, rows=rows.sample(frac=1, random_state=seed)
        )  # another file, so all is done anew
        began = time.process_time()  # a busy machine must not make it red, and nothing in it waits
        ran = run_dag(FILE, **SCORING).succeeded()
        took.append(time.process_time() - began)
        assert [len(one.claimed) for one in ran] == [1, 1, 1, 1, 1]
    assert ran.states == dict.fromkeys(("validate", "plan", "score", "publish", "monitor"), "success")
    assert ran["publish"].result["rows_scored"] == len(rows)
    assert ran["publish"].assets == ("flights_predictions",)
    assert set(airport.predictions("flights", NIGHT)["flight_id"]) == set(rows["flight_id"])
    assert min(took) < BUDGET_SECONDS, took


def test_finished_work_is_not_done_again(airport):
    first = assert_idempotent(FILE, **SCORING)
    assert first["validate"].links["ReportLink"].startswith(f"/nightshift/reports/flights/{NIGHT}/checks-")
    assert [claim for one in run_dag(FILE, **SCORING).succeeded() for claim in one.claimed] == []


def test_a_flight_into_the_future_stops_the_night_with_a_sentence(airport, flight_nights):
    rows = flight_nights[NIGHT][0]
    airport.deliver("flights", NIGHT, rows=rows.assign(known_at=rows["scheduled_departure"].max()))
    ran = run_dag(FILE, **SCORING)
    assert ran.states["validate"] == "failed"
    assert "known_at is the cut-off of the night" in ran.explain()
    assert airport.predictions("flights").empty


def test_a_suite_may_be_left_out_only_by_saying_so(airport):
    checked = run_dag(FILE, **SCORING).succeeded()["validate"].result
    ran = run_dag(FILE, **SCORING, instead={"validate": checked}).succeeded()
    assert ran["validate"].log == ("INFO not run: the test says what it returns",)


@pytest.mark.parametrize("moment", ["wrote the shard", "committed"])
def test_a_kill_leaves_one_night(airport, flight_nights, moment):
    with faults.kill_after(moment):
        run_dag(FILE, **SCORING).succeeded()
    assert airport.predictions("flights", NIGHT)["flight_id"].is_unique
    assert len(airport.predictions("flights", NIGHT)) == len(flight_nights[NIGHT][0])
