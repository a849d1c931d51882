"""One incident and one message for each promise and night, whoever looks how often."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from nightshift.alerts import routes as routing
from nightshift.watch.turn import Watch, judge_now, outcomes_of
from pipelines.engine.errors import DeclarationError
from pipelines.engine.incidents.store import Incidents
from pipelines.engine.ledger.promise_outcomes import PromiseOutcomes
from tests.pipelines.engine.promises.nights import BY_SIX, DAG, NIGHT, SHARDS_DUE, SUCCEED


def test_run_that_never_came_is_told_without_any_airflow(desk):
    desk.declare()
    desk.time_is("02:30")
    desk.look()
    (incident,) = desk.incidents()
    assert (incident.promise_id, incident.night, incident.state) == (BY_SIX.id, NIGHT, "absent")
    assert desk.told() == ["absent"]


def test_looking_again_after_a_restart_tells_nothing_twice(desk):
    desk.declare()
    desk.time_is("02:30")
    for _ in range(3):
        desk.look()
    assert desk.told() == ["absent"]


def test_watch_and_deadline_at_once_lead_to_one_incident(desk):
    desk.declare()
    desk.time_is("06:01")
    desk.run_is("running")
    with ThreadPoolExecutor(6) as pool:
        looks = [pool.submit(desk.look) for _ in range(3)]
        looks += [pool.submit(judge_now, desk.settings, DAG) for _ in range(3)]
        for look in looks:
            look.result()
    assert desk.states() == ["late"]
    assert desk.told() == ["late"]


def test_late_night_is_told_late_and_resolved_once_each(desk):
    desk.declare()
    desk.time_is("02:00")
    desk.run_is("running")
    desk.look()
    desk.time_is("06:01")
    desk.look()
    desk.time_is("06:14")
    desk.run_is("success")
    for _ in range(2):
        desk.look()
    assert desk.states() == ["resolved"]
    assert desk.told() == ["late", "resolved"]


def test_absent_night_that_begins_after_all_is_resolved(desk):
    desk.declare()
    desk.time_is("02:30")
    desk.look()
    desk.run_is("running")
    desk.look()
    assert desk.told() == ["absent", "resolved"]


def test_eight_late_shards_are_one_incident(desk):
    desk.declare(BY_SIX, SHARDS_DUE)
    desk.time_is("02:00")
    desk.run_is("running")
    desk.task_is("success", "validate")
    for number in range(8):
        desk.task_is("running", number=number)
    desk.time_is("03:30")
    for _ in range(2):
        desk.look()
    (incident,) = desk.incidents()
    assert (incident.promise_id, incident.verdict["members"]) == (SHARDS_DUE.id, list(range(8)))
    assert desk.told() == ["late"]


def test_backfill_of_thirty_old_nights_tells_nothing(desk):
    desk.declare()
    for day in range(1, 31):
        desk.run_is("failed", night=f"2026-09-{day:02}", kind="backfill")
    desk.look()
    assert desk.incidents() == []


def test_failed_run_of_a_dag_without_promises_is_told(desk):
    desk.declare(SUCCEED)
    desk.time_is("02:00")
    desk.run_is("failed")
    desk.look()
    assert desk.states() == ["failed"]


def test_receiver_that_is_down_gets_each_message_once_when_it_is_back(desk):
    desk.declare()
    away = desk.settings.home / "alerts"
    away.parent.mkdir(parents=True, exist_ok=True)
    away.write_text("a file where a folder should be")
    desk.time_is("06:01")
    desk.look()
    desk.send()
    desk.time_is("06:14")
    desk.run_is("success")
    desk.look()
    away.unlink()
    outbox = Watch(desk.settings).outbox
    outbox.do(lambda connection: connection.exec_driver_sql("UPDATE outbox SET due_at = 0"))
    assert desk.told() + desk.told()[1:] == ["late", "resolved", "resolved"]


def test_outcomes_of_nights_are_kept_for_good(desk):
    desk.declare()
    desk.time_is("06:01")
    desk.run_is("running")
    desk.look()
    desk.time_is("06:14")
    desk.run_is("success")
    desk.look()
    (outcome,) = PromiseOutcomes(desk.settings.ledger_url).since(0.0)
    assert outcome.outcome == "late"
    assert outcome.finished_at > outcome.due_at


def test_pending_night_has_no_outcome_yet(desk):
    desk.declare()
    desk.time_is("03:00")
    desk.run_is("running")
    assert list(outcomes_of(desk.look().verdicts, 0.0)) == []


def test_routes_with_a_mistake_stop_a_watch_that_starts_and_not_one_that_runs(desk):
    running = Watch(desk.settings)
    assert running.routing.routes
    desk.settings.routes.write_text("[[route]]\nname = 7\n")
    assert running.routing.routes
    with pytest.raises(DeclarationError, match=r"routes\.toml"):
        _ = Watch(desk.settings).routing
    assert routing.covers(running.routing.routes, "anybody")


def test_dag_that_is_looked_at_alone_leaves_the_incidents_of_others(desk):
    desk.declare()
    desk.time_is("06:01")
    desk.look()
    judge_now(desk.settings, "waves_scoring")
    assert desk.states() == ["late"]


def test_promise_that_was_withdrawn_closes_its_incident(desk):
    desk.declare()
    desk.time_is("06:01")
    desk.look()
    desk.declare(SUCCEED)
    desk.look()
    assert Incidents(desk.settings.ledger_url).open_nights() == {}


def test_dags_that_are_not_replayed_are_not_judged_by_the_replayed_clock(desk):
    desk.declare(pipeline="waves")
    desk.time_is("06:01")
    desk.clock[0] = replace(desk.clock[0], speed=600.0)
    assert desk.look().verdicts == []
    desk.declare()
    assert desk.look().verdicts != []
