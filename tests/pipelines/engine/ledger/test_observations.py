"""What is told of runs, tasks and DAGs is remembered by the database's clock, whoever tells it how often."""

from dataclasses import replace

import pytest

from pipelines.engine.ledger.observations import Observations
from tests.pipelines.engine.promises.nights import BY_SIX, FRESH, declared

RUN = {"kind": "scheduled", "partition_key": "2026-11-20", "run_after": 1_000.0}


@pytest.fixture
def observations(ledger_url):
    return Observations(ledger_url, patience=5)


def told(observations, state, run_id="a"):
    observations.tell_run("tides_scoring", run_id, state=state, **RUN)
    (run,) = [run for run in observations.runs("tides_scoring", since=0.0) if run.run_id == run_id]
    return run


def task(observations, state, tries=1, number=-1):
    observations.tell_task("tides_scoring", "a", "score", number, state=state, try_number=tries)
    (seen,) = [one for one in observations.tasks("tides_scoring", ["a"]) if one.map_index == number]
    return seen


def test_run_is_remembered_from_its_beginning_to_its_end(observations):
    before = observations.now()
    begun = told(observations, "running")
    ended = told(observations, "success")
    assert before <= begun.started_at == ended.started_at <= ended.ended_at <= observations.now()
    assert (begun.ended_at, ended.partition_key, ended.run_after) == (None, "2026-11-20", 1_000.0)


def test_run_that_is_told_of_twice_begins_once(observations):
    assert told(observations, "running").started_at == told(observations, "running").started_at


def test_run_that_was_cleared_begins_anew(observations):
    first = told(observations, "running")
    told(observations, "failed")
    again = told(observations, "running")
    assert again.started_at > first.started_at
    assert again.ended_at is None


def test_end_of_a_run_whose_beginning_was_not_heard_is_remembered(observations):
    assert told(observations, "success").ended_at is not None


def test_retried_task_began_with_its_first_try(observations):
    first = task(observations, "running")
    task(observations, "up_for_retry")
    second = task(observations, "running", tries=2)
    assert (second.started_at, second.ended_at, second.try_number) == (first.started_at, None, 2)


def test_cleared_task_begins_anew(observations):
    first = task(observations, "running")
    task(observations, "success")
    assert task(observations, "running", tries=2).started_at > first.started_at


def test_shards_of_a_task_are_told_apart(observations):
    assert {task(observations, "running", number=number).map_index for number in range(3)} == {0, 1, 2}


def test_old_runs_are_left_out_unless_they_still_run(observations):
    told(observations, "success", "old")
    told(observations, "running", "still")
    assert [run.run_id for run in observations.runs("tides_scoring", since=observations.now() + 60)] == ["still"]


def test_promise_is_as_old_as_when_it_was_first_read(observations):
    first = declared(BY_SIX)
    assert observations.declare([first.to_json()]) == ["tides_scoring"]
    (before,) = observations.declarations()
    more = declared(BY_SIX, FRESH)
    assert observations.declare([more.to_json()]) == ["tides_scoring"]
    (after,) = observations.declarations()
    assert after.since[BY_SIX.id] == before.since[BY_SIX.id] < after.since[FRESH.id]


def test_reading_the_same_again_changes_nothing(observations):
    observations.declare([declared().to_json()])
    assert observations.declare([declared().to_json()]) == []


def test_dag_that_is_gone_is_not_listed_and_keeps_its_age(observations):
    observations.declare([declared().to_json()])
    (before,) = observations.declarations()
    assert observations.declare([]) == ["tides_scoring"]
    assert observations.declarations() == []
    observations.declare([declared().to_json()])
    (back,) = observations.declarations()
    assert back.since == before.since


def test_files_that_were_not_read_keep_their_dags(observations):
    other = replace(declared(), dag_id="waves_scoring", file="waves.py")
    observations.declare([declared(file="tides.py").to_json(), other.to_json()])
    observations.declare([], files=["tides.py"])
    assert [one.dag_id for one in observations.declarations()] == ["waves_scoring"]


def test_heartbeat_says_when_and_what(observations):
    assert observations.heartbeat("watch") is None
    observations.beat("watch", {"turns": 1})
    observations.beat("watch", {"turns": 2})
    at, detail = observations.heartbeat("watch")
    assert detail == {"turns": 2}
    assert at <= observations.now()


def begins(observations, machine, run_id="a"):
    observations.tell_task("tides_scoring", run_id, "score", -1, state="running", try_number=1, machine=machine)


def test_clock_of_a_machine_is_remembered_beside_the_databases_own(observations, monkeypatch):
    before = observations.now()
    monkeypatch.setattr("pipelines.engine.ledger.observations.time.time", lambda: before + 7_200.0)
    begins(observations, "worker-a")
    [clock] = observations.clocks(since=before)
    assert clock.machine == "worker-a"
    assert clock.own - clock.at == pytest.approx(7_200.0, abs=60.0)


def test_clock_is_not_told_again_at_once(observations):
    begins(observations, "worker-a")
    first = observations.clocks(since=0.0)
    begins(observations, "worker-a", run_id="b")
    assert observations.clocks(since=0.0) == first


def test_machines_that_come_and_go_leave_a_bounded_number_of_clocks(observations):
    for number in range(300):
        begins(observations, f"pod-{number}")
    assert 100 < len(observations.clocks(since=0.0)) <= 256


def test_longest_task_is_one_that_ended_at_its_first_try(observations):
    assert observations.longest_task_seconds(since=0.0) is None
    task(observations, "running", number=1)
    task(observations, "success", number=1)
    task(observations, "running", tries=2, number=2)
    task(observations, "success", tries=2, number=2)
    [first] = [one for one in observations.tasks("tides_scoring", ["a"]) if one.map_index == 1]
    assert observations.longest_task_seconds(since=0.0) == pytest.approx(first.ended_at - first.started_at)
