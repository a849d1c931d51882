"""How promises stand: the judge sees values and says values."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.promises.facts import Failure, Finding, TaskFact
from pipelines.engine.promises.judge import NO_NIGHT, judge
from tests.pipelines.engine.promises.nights import (
    BY_SIX,
    DAG,
    FRESH,
    NIGHT,
    SHARDS_DUE,
    SUCCEED,
    TICK,
    WITHIN,
    at,
    declared,
    facts,
    only,
    run,
    shards,
)

SIX = at("06:00")


def test_night_that_has_just_begun_is_pending():
    assert only(judge([declared()], facts(run()), TICK + 60, {})).state == "pending"


def test_run_that_does_not_begin_is_absent_before_it_is_due():
    verdict = only(judge([declared()], facts(), at("02:16"), {}))
    assert (verdict.state, verdict.alert, verdict.due_at) == ("absent", "absent", SIX)
    assert "16 min ago" in verdict.reason


def test_scheduler_may_be_some_minutes_late():
    assert only(judge([declared()], facts(), at("02:14"), {})).state == "pending"


def test_short_promise_is_patient_for_a_short_time_only():
    soon = declared(replace(BY_SIX, at="02:16"))
    assert only(judge([soon], facts(), at("02:02"), {})).state == "absent"


def test_dag_that_is_created_paused_is_not_missed_before_its_first_scheduled_run():
    paused = declared(starts_paused=True)
    by_hand = run("success", night="2026-11-19", run_id="manual__1", kind="manual")
    assert only(judge([paused], facts(by_hand), at("07:00"), {})).state == "pending"
    before = run("success", night="2026-11-19", run_id="scheduled__1")
    assert only(judge([paused], facts(before), at("02:16"), {})).state == "absent"


def test_night_that_is_not_through_when_it_is_due_is_late():
    verdict = only(judge([declared()], facts(run()), SIX + 1, {}))
    assert (verdict.state, verdict.at, verdict.run_id) == ("late", SIX, f"scheduled__{NIGHT}")


def test_run_that_never_began_is_late_when_it_is_due():
    assert only(judge([declared()], facts(), SIX + 1, {})).state == "late"


def test_night_that_was_published_in_time_is_done():
    verdict = only(judge([declared()], facts(run(), published_at=SIX - 60), SIX + 9, {}))
    assert (verdict.state, verdict.at, verdict.late_by) == ("done", SIX - 60, None)


def test_night_that_was_published_late_is_done_and_says_by_how_much():
    verdict = only(judge([declared()], facts(run("success"), published_at=SIX + 840), SIX + 900, {}))
    assert (verdict.state, verdict.late_by) == ("done", 840.0)


def test_night_that_somebody_published_by_hand_is_done_without_a_run():
    assert only(judge([declared()], facts(published_at=at("05:00")), SIX + 9, {})).state == "done"


def test_failed_run_says_what_failed_and_why():
    why = Failure("validate", "row counts differ", "checks", "abc")
    verdict = only(judge([declared()], facts(run("failed"), failures=(why,)), at("03:00"), {}))
    assert (verdict.state, verdict.alert, verdict.step, verdict.key) == ("failed", "checks_failed", "validate", "abc")
    assert verdict.reason == "row counts differ"


def test_changed_model_is_told_as_such():
    why = Failure("score", "model.txt was changed", "tampered")
    assert only(judge([declared()], facts(run("failed"), failures=(why,)), at("03:00"), {})).alert == "model_tampered"


def test_run_of_plain_tasks_fails_with_the_name_of_the_task():
    failed = run("failed", TaskFact("validate", -1, "failed", TICK, TICK + 9, try_number=4))
    assert "validate failed after 4 tries" in only(judge([declared()], facts(failed), at("03:00"), {})).reason


def test_failed_night_stays_failed_when_it_is_due():
    assert only(judge([declared()], facts(run("failed")), SIX + 1, {})).state == "failed"


def test_failure_is_told_by_one_promise_of_the_run():
    verdicts = judge([declared(WITHIN, BY_SIX, SHARDS_DUE)], facts(run("failed")), SIX + 1, {})
    assert [v.promise_id for v in verdicts if v.state == "failed"] == [BY_SIX.id]
    assert {v.state for v in verdicts if v.promise_id != BY_SIX.id} == {"pending"}


def test_failure_after_the_publication_says_that_readers_have_the_night():
    verdict = only(judge([declared()], facts(run("failed"), published_at=TICK + 300), at("03:00"), {}))
    assert verdict.state == "failed"
    assert "Readers have the night" in verdict.reason


def test_night_that_was_published_after_its_run_failed_is_done():
    assert only(judge([declared()], facts(run("failed"), published_at=TICK + 900), at("03:00"), {})).state == "done"


def test_cleared_run_is_judged_by_its_time_again():
    assert only(judge([declared()], facts(run("running")), SIX + 1, {})).state == "late"


def test_backfill_of_thirty_old_nights_is_not_judged():
    nights = [f"2026-10-{day:02}" for day in range(1, 31)]
    runs = [run("failed", night=night, run_id=f"backfill__{night}", kind="backfill") for night in nights]
    assert [v for v in judge([declared()], facts(*runs), at("12:00"), {}) if v.night != NIGHT] == []


def test_backfill_that_makes_good_for_a_night_ends_its_incident():
    known = facts(run("success", kind="backfill"), published_at=SIX + 60)
    assert only(judge([declared()], known, SIX + 99, {BY_SIX.id: [NIGHT]})).state == "done"


def test_backfill_is_judged_if_the_promise_says_so():
    asked = replace(WITHIN, backfills=True)
    verdict = only(judge([declared(asked)], facts(run(kind="backfill")), TICK + 7300, {}), WITHIN)
    assert verdict.state == "late"


def test_old_night_that_somebody_runs_by_hand_is_due_at_no_time_of_day():
    old = run("running", night="2013-11-19", run_id="manual__1", kind="manual")
    assert only(judge([declared()], facts(old), SIX + 1, {}), night="2013-11-19").state == "pending"


def test_old_night_that_somebody_runs_by_hand_still_fails_aloud():
    old = run("failed", night="2013-11-19", run_id="manual__1", kind="manual")
    assert only(judge([declared()], facts(old), at("03:00"), {}), night="2013-11-19").state == "failed"


def test_nights_before_the_promise_are_not_judged():
    assert judge([declared()], facts(since=TICK + 1), SIX + 1, {}) == []


def test_dag_whose_schedule_has_ended_owes_nothing():
    ended = declared(BY_SIX, FRESH, starts=at("2013-01-01T00:00"), ends=at("2014-01-01T00:00"))
    assert [v.state for v in judge([ended], facts(newest=("2013-12-31", 0.0)), SIX, {})] == ["done"]


def test_finish_within_counts_from_the_beginning_of_the_run():
    late_start = run(started_at=at("05:00"))
    assert only(judge([declared(WITHIN)], facts(late_start), at("06:59"), {}), WITHIN).state == "pending"
    assert only(judge([declared(WITHIN)], facts(late_start), at("07:01"), {}), WITHIN).state == "late"


def test_dag_without_a_promise_still_tells_of_its_failure():
    assert only(judge([declared(SUCCEED)], facts(run("failed")), at("03:00"), {}), SUCCEED).state == "failed"
    assert only(judge([declared(SUCCEED)], facts(run()), at("23:00"), {}), SUCCEED).state == "pending"


def test_eight_late_shards_are_one_verdict():
    known = facts(run("running", *shards(8, done=0, running=2)), shards=8)
    verdict = only(judge([declared(SHARDS_DUE)], known, TICK + 3700, {}), SHARDS_DUE)
    assert (verdict.state, len(verdict.members), verdict.of) == ("late", 8, 8)
    assert verdict.reason.startswith("8 of 8 shards are late")


def test_shards_that_were_in_time_are_not_late():
    known = facts(run("running", *shards(8, done=5, running=2)), shards=8)
    verdict = only(judge([declared(SHARDS_DUE)], known, TICK + 3700, {}), SHARDS_DUE)
    assert verdict.members == (5, 6, 7)


def test_shards_that_were_all_in_time_are_done():
    known = facts(run("running", *shards(8, done=8)), shards=8)
    assert only(judge([declared(SHARDS_DUE)], known, TICK + 3700, {}), SHARDS_DUE).state == "done"


def test_task_that_ended_late_is_done_and_says_by_how_much():
    known = facts(run("running", *shards(8, done=8, ended_at=TICK + 5 + 3600 + 120)), shards=8)
    assert only(judge([declared(SHARDS_DUE)], known, TICK + 9000, {}), SHARDS_DUE).late_by == 120.0


def test_table_is_stale_when_its_newest_night_is_old():
    known = facts(newest=("2026-11-19", TICK - 25 * 3600))
    assert only(judge([declared(FRESH)], known, TICK, {}), FRESH, "2026-11-19").state == "done"
    verdict = only(judge([declared(FRESH)], known, TICK + 3601, {}), FRESH, "2026-11-19")
    assert (verdict.state, verdict.alert) == ("stale", "stale")


def test_stale_table_is_fresh_again_when_a_newer_night_comes():
    known = facts(newest=(NIGHT, TICK + 60))
    assert (
        only(judge([declared(FRESH)], known, TICK + 99, {FRESH.id: ["2026-11-19"]}), FRESH, "2026-11-19").state
        == "done"
    )


def test_table_that_was_never_published_is_stale_after_a_while():
    assert only(judge([declared(FRESH)], facts(since=TICK), TICK + 27 * 3600, {}), FRESH, NO_NIGHT).state == "stale"


def test_closed_gate_is_noticed_and_forgotten_when_a_later_one_opens():
    closed = facts(run("success"), published_at=TICK + 500, findings=(Finding("gate_refused", "roc_auc 0.55 < 0.60"),))
    verdicts = judge([declared()], closed, TICK + 900, {})
    (noticed,) = [verdict for verdict in verdicts if verdict.state == "noticed"]
    assert (noticed.promise_id, noticed.alert) == (f"{DAG}/gate_refused", "gate_refused")
    later = run("success", night="2026-11-21", run_id="next")
    both = replace(closed, runs={DAG: (run("success"), later)})
    (over,) = [
        v
        for v in judge([declared()], both, TICK + 90_000, {noticed.promise_id: [NIGHT]})
        if v.promise_id == noticed.promise_id
    ]
    assert over.state == "done"


def test_incident_about_an_older_night_is_judged_until_it_ends():
    much_later = TICK + 30 * 86_400
    early = declared(starts=at("2026-11-01T00:00"))
    assert only(judge([early], facts(), much_later, {BY_SIX.id: [NIGHT]})).state == "late"
    assert only(judge([early], facts(published_at=much_later - 60), much_later, {BY_SIX.id: [NIGHT]})).state == "done"


def test_promise_that_nobody_makes_any_more_is_closed():
    (verdict,) = judge([], facts(), TICK, {"gone_scoring/finish_by": [NIGHT]})
    assert (verdict.state, verdict.dag_id) == ("done", "gone_scoring")


ORDER = ["pending", "absent", "at_risk", "late"]


@given(
    moments=st.lists(st.floats(TICK, TICK + 86_000), min_size=2, max_size=12),
    state=st.sampled_from([None, "running", "failed"]),
)
def test_time_alone_never_mends_a_promise(moments, state):
    known = facts(run(state)) if state else facts()
    states = [only(judge([declared()], known, moment, {})).state for moment in sorted(moments)]
    if state == "failed":
        assert set(states) == {"failed"}
    else:
        assert states == sorted(states, key=ORDER.index)


@given(
    finished=st.floats(TICK + 10, TICK + 40_000),
    now=st.floats(TICK + 1, TICK + 80_000),
    promises=st.sets(st.sampled_from([BY_SIX, WITHIN, SHARDS_DUE, FRESH, SUCCEED]), min_size=1),
)
def test_every_promise_is_judged_once_for_each_night_and_late_means_late(finished, now, promises):
    through = finished <= now
    known = facts(
        run("success" if through else "running", ended_at=finished if through else None),
        newest=(NIGHT, finished) if through else None,
        since=TICK - 1,
        **({"published_at": finished} if through else {}),
    )
    verdicts = judge([declared(*promises)], known, now, {})
    assert len({(verdict.promise_id, verdict.night) for verdict in verdicts}) == len(verdicts)
    for verdict in verdicts:
        if verdict.promise_id == BY_SIX.id and verdict.night == NIGHT:
            assert (verdict.state == "done") == through
            assert (verdict.state == "late") == (not through and now > SIX)
            assert verdict.late_by == (finished - SIX if through and finished > SIX else None)


@pytest.mark.parametrize("jump", [-7200.0, 7200.0])
def test_clock_that_jumps_changes_no_lateness(jump):
    known = facts(run("success"), published_at=SIX + 60)
    assert only(judge([declared()], known, SIX + 120 + jump, {})).late_by == 60.0
