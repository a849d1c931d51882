"""What becomes of an incident, and who hears of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.incidents.lifecycle import RANKS, incident_id
from pipelines.engine.promises.verdicts import TROUBLES, Verdict
from tests.pipelines.engine.incidents.nights import DUE, FORECAST, ID, MINUTE, NIGHT, PROMISE, Book, verdict

EARLY = DUE - 80 * MINUTE


@pytest.fixture
def book():
    return Book()


def test_night_in_danger_then_late_then_done_is_told_three_times(book):
    assert book.settle(verdict("pending"), now=EARLY) == []
    assert book.settle(verdict("at_risk", forecast=FORECAST), now=EARLY + MINUTE) == ["at_risk"]
    assert book.settle(verdict("at_risk", forecast=FORECAST), now=EARLY + 2 * MINUTE) == []
    assert book.settle(verdict("late", at=DUE), now=DUE + 1) == ["late"]
    assert book.settle(verdict("late", at=DUE), now=DUE + 6) == []
    done = verdict("done", at=DUE + 14 * MINUTE, late_by=14 * MINUTE)
    assert book.settle(done, now=DUE + 14 * MINUTE) == ["resolved"]
    assert book.settle(done, now=DUE + 15 * MINUTE) == []
    assert book.history == ["at_risk", "late", "resolved"]
    assert book.incident.severity == "critical"
    assert book.incident.resolved_at == DUE + 14 * MINUTE


def test_history_keeps_what_a_report_on_warnings_needs(book):
    book.settle(verdict("at_risk", forecast=FORECAST, reason="slow"), now=EARLY)
    book.settle(verdict("done", at=DUE + 60, late_by=60.0), now=DUE + 60)
    warned, resolved = book.events
    assert (warned.at, warned.detail["probability"], warned.detail["due_at"]) == (EARLY, 0.12, DUE)
    assert (resolved.detail["at"], resolved.detail["late_by"]) == (DUE + 60, 60.0)


def test_same_verdict_twice_changes_nothing(book):
    for state in ("at_risk", "late", "failed"):
        book.settle(verdict(state, forecast=FORECAST), now=DUE)
        before = book.incident
        assert book.settle(verdict(state, forecast=FORECAST), now=DUE + 1000) == []
        assert book.incident == before


@pytest.mark.parametrize("state", ["at_risk", "late", "failed", "stale", "noticed"])
def test_pending_leaves_open_what_is_not_known_to_be_over(book, state):
    book.settle(verdict(state), now=DUE)
    before = book.incident
    assert book.settle(verdict("pending"), now=DUE + 60) == []
    assert book.incident == before


def test_absent_night_that_began_is_resolved(book):
    tick = DUE - 240 * MINUTE
    assert book.settle(verdict("absent", at=tick), now=tick + 15 * MINUTE) == ["absent"]
    assert book.settle(verdict("pending"), now=tick + 40 * MINUTE) == ["resolved"]
    assert book.incident.verdict["reason"] == "it began 40 min late"


def test_absent_night_that_began_and_is_in_danger_is_told_so(book):
    book.settle(verdict("absent"), now=EARLY)
    assert book.settle(verdict("at_risk"), now=EARLY + MINUTE) == ["at_risk"]
    assert (book.incident.state, book.incident.severity) == (
        "at_risk",
        "critical",
    )  # who heard of it hears the end, too


@pytest.mark.parametrize(("first", "then"), [("late", "at_risk"), ("failed", "late"), ("late", "absent")])
def test_worse_does_not_become_better_but_by_being_resolved(book, first, then):
    book.settle(verdict(first), now=DUE)
    assert book.settle(verdict(then), now=DUE + 60) == []
    assert book.incident.state == first


def test_failed_night_past_its_due_time_stays_failed_and_is_told_once(book):
    assert book.settle(verdict("failed"), now=DUE - 60) == ["failed"]
    assert book.settle(verdict("late"), now=DUE + 1) == []
    assert book.settle(verdict("failed"), now=DUE + 60) == []
    assert book.history == ["failed"]


def test_other_cause_of_a_failure_is_told(book):
    assert book.settle(verdict("failed"), now=EARLY) == ["failed"]
    assert book.settle(verdict("failed", alert="model_tampered"), now=EARLY + 1) == ["model_tampered"]
    assert book.settle(verdict("failed"), now=EARLY + 2) == []


def test_night_that_was_late_while_nobody_watched_is_told_once_and_is_resolved(book):
    done = verdict("done", at=DUE + 14 * MINUTE, late_by=14 * MINUTE)
    assert book.settle(done, now=DUE + 300 * MINUTE) == ["resolved"]
    assert book.settle(done, now=DUE + 301 * MINUTE) == []
    assert (book.incident.state, book.incident.alert, len(book.messages)) == ("resolved", "late", 1)


def test_night_that_was_in_time_leaves_no_incident(book):
    assert book.settle(verdict("done", at=DUE - 60), now=DUE) == []
    assert book.incidents == {}


def test_more_late_shards_are_kept_and_not_told(book):
    assert book.settle(verdict("late", members=(3,), of=8), now=DUE) == ["late"]
    assert book.settle(verdict("late", members=(3, 4, 5), of=8), now=DUE + 5) == []
    assert book.incident.verdict["members"] == [3, 4, 5]
    assert book.settle(verdict("late", members=tuple(range(8)), of=8), now=DUE + 100 * MINUTE) == ["escalated"]
    assert book.history == ["late", "escalated"]


def test_forecast_that_moves_is_kept_once_a_minute(book):
    book.settle(verdict("at_risk", forecast=FORECAST), now=EARLY)
    worse = verdict("at_risk", forecast=replace(FORECAST, probability=0.05))
    book.settle(worse, now=EARLY + 5)
    assert book.incident.verdict["forecast"]["probability"] == 0.12
    assert book.settle(worse, now=EARLY + 65) == []
    assert book.incident.verdict["forecast"]["probability"] == 0.05


def test_flapping_is_held_back_until_the_cooldown_is_over_and_told_if_it_still_stands(book):
    done = verdict("done", at=DUE - 60)
    assert book.settle(verdict("late"), now=DUE) == ["late"]
    assert book.settle(done, now=DUE + 5 * MINUTE) == ["resolved"]
    for minute in (6, 10):
        assert book.settle(verdict("late"), now=DUE + minute * MINUTE) == []
        assert book.settle(done, now=DUE + (minute + 1) * MINUTE) == []
    assert book.settle(verdict("late"), now=DUE + 20 * MINUTE) == []
    assert book.settle(verdict("late"), now=DUE + 34 * MINUTE) == []
    assert book.settle(verdict("late"), now=DUE + 35 * MINUTE) == ["late-2"]
    assert book.settle(done, now=DUE + 36 * MINUTE) == ["resolved-2"]
    assert book.history.count("held_back") == 3
    assert book.history.count("reopened") == 3


def test_reopened_for_something_new_is_told_at_once(book):
    book.settle(verdict("absent"), now=EARLY)
    book.settle(verdict("pending"), now=EARLY + 60)
    assert book.settle(verdict("late"), now=EARLY + 120) == ["late"]


def test_verdict_from_older_facts_does_not_reopen(book):
    book.settle(verdict("late"), now=DUE)
    book.settle(verdict("done", late_by=60.0), now=DUE + 60)
    assert book.settle(verdict("late"), now=DUE + 61, as_of=DUE + 59) == []
    assert book.incident.state == "resolved"
    assert book.settle(verdict("late"), now=DUE + 62, as_of=DUE + 61) == []
    assert book.incident.state == "late"


def test_acknowledged_incident_tells_what_is_worse_and_its_end(book):
    book.settle(verdict("absent"), now=EARLY)
    book.acknowledge(now=EARLY + 60)
    assert book.settle(verdict("at_risk"), now=EARLY + 120) == []
    assert book.settle(verdict("late"), now=DUE) == ["late"]
    assert book.settle(verdict("late"), now=DUE + 300 * MINUTE) == []  # and is not escalated
    assert book.settle(verdict("done", late_by=1.0), now=DUE + 301 * MINUTE) == ["resolved"]


def test_critical_incident_that_nobody_takes_up_is_escalated_once(book):
    assert book.settle(verdict("at_risk"), now=EARLY) == ["at_risk"]
    assert book.settle(verdict("at_risk"), now=EARLY + 60 * MINUTE) == []  # a warning is nobody's alarm
    assert book.settle(verdict("late"), now=DUE) == ["late"]
    assert book.settle(verdict("late"), now=DUE + 29 * MINUTE) == []
    assert book.settle(now=DUE + 30 * MINUTE) == ["escalated"]
    assert book.settle(now=DUE + 90 * MINUTE) == []


@pytest.mark.parametrize("matches", ["flights_scoring", PROMISE, ID])
def test_silence_keeps_track_and_tells_nothing_until_it_ends(book, matches):
    book.silence(matches, until=DUE + 60 * MINUTE)
    assert book.settle(verdict("at_risk"), now=EARLY) == []
    assert book.settle(verdict("late"), now=DUE) == []
    assert book.settle(verdict("late"), now=DUE + 59 * MINUTE) == []
    assert book.incident.state == "late"
    assert book.settle(now=DUE + 60 * MINUTE) == ["late"]
    assert book.settle(now=DUE + 61 * MINUTE) == []
    assert book.history == ["at_risk", "held_back", "late", "held_back", "told"]


def test_trouble_that_passes_during_a_silence_is_never_told(book):
    book.silence("flights_scoring", until=DUE + 60 * MINUTE)
    book.settle(verdict("late"), now=DUE)
    book.settle(verdict("done", late_by=60.0), now=DUE + 60)
    assert book.settle(now=DUE + 61 * MINUTE) == []
    assert book.messages == []


def test_end_of_what_was_told_before_a_silence_is_told_after_it(book):
    book.settle(verdict("late"), now=DUE)
    book.silence(ID, until=DUE + 60 * MINUTE)
    assert book.settle(verdict("done", late_by=60.0), now=DUE + 60) == []
    assert book.settle(now=DUE + 60 * MINUTE) == ["resolved"]


def test_silence_of_another_dag_silences_nothing_here(book):
    book.silence("flights", until=DUE + 60 * MINUTE)
    assert book.settle(verdict("late"), now=DUE) == ["late"]


def test_closed_by_hand_is_not_reopened_by_the_same_trouble(book):
    book.settle(verdict("late"), now=DUE)
    assert book.close(now=DUE + 60) == ["resolved"]
    assert book.settle(verdict("late"), now=DUE + 100 * MINUTE) == []
    assert book.incident.state == "resolved"
    assert book.settle(verdict("failed"), now=DUE + 101 * MINUTE) == ["failed"]


def test_clock_that_jumps_back_repeats_nothing(book):
    book.settle(verdict("late"), now=DUE)
    for back in (DUE - 86_400, DUE - 7 * 86_400):
        assert book.settle(verdict("late"), now=back) == []
    assert book.settle(verdict("done", late_by=-5.0), now=DUE - 3600) == ["resolved"]
    assert book.incident.resolved_at == book.incident.opened_at
    assert book.incident.verdict["late_by"] == 0.0


def test_finding_is_told_once_and_resolved_by_done(book):
    noticed = verdict("noticed", promise_id="flights_training/gate_refused", due_at=None, reason="worse")
    assert book.settle(noticed, now=EARLY) == ["gate_refused"]
    assert book.settle(noticed, now=EARLY + 86_400) == []  # not critical: never escalated
    assert book.settle(replace(noticed, state="done", alert=None), now=EARLY + 90_000) == ["resolved"]


def test_two_promises_of_a_night_and_two_nights_of_a_promise_are_separate():
    names = {incident_id(promise, night) for promise in (PROMISE, "x/y") for night in (NIGHT, "2026-11-20")}
    assert len(names) == 4
    assert all(len(name) == 32 for name in names)


STATES = st.sampled_from(["pending", *TROUBLES, "done"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 5.0, 600.0, 1800.0, 5000.0, -4000.0]),
        st.lists(
            st.tuples(STATES, st.sampled_from(["2026-11-19", "2026-11-20"])), max_size=3
        ),  # what the judge says, of two nights
        st.sampled_from(["", "", "", "acknowledge", "silence", "close"]),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_happens_nobody_is_told_twice_and_every_end_is_told_to_those_who_heard(steps):
    book, now, backward = Book(), DUE, False
    last: dict[str, Verdict] = {}
    for seconds, said, deed in steps:
        now += seconds
        backward |= seconds < 0
        verdicts = [verdict(state, night=night, **_late(state, now)) for state, night in said]
        book.settle(*verdicts, now=now)
        last |= {incident_id(one.promise_id, one.night): one for one in verdicts}
        is_open = ID in book.incidents and book.incident.state != "resolved"
        if deed == "acknowledge" and is_open and book.incident.acknowledged_at is None:
            book.acknowledge(now=now)
        elif deed == "silence":
            book.silence("flights_scoring", until=now + 1000.0)
        elif deed == "close" and is_open:
            book.close(now=now)
            last.pop(ID, None)
        again = book.settle(*verdicts, now=now)  # says nothing, but to those to whom it was due to be escalated
        assert {occasion.partition("-")[0] for occasion in again} <= {"escalated"}
        assert book.settle(*verdicts, now=now) == []
    pairs = [(which, occasion) for which, occasion, _ in book.messages]
    assert len(pairs) == len(set(pairs))
    for which in book.incidents:
        _check_messages(book, which, backward)
        ended = last.get(which)
        if ended is not None and ended.state == "done":
            assert book.incidents[which].state == "resolved"
        elif ended is not None and ended.state in RANKS and not _closed(book, which):
            assert book.incidents[which].state != "resolved"


def _late(state, now):
    return {"late_by": 5.0} if state == "done" and now > DUE + 3000 else {}


def _closed(book, which):
    return any(event.event == "closed" for event in book.events if event.incident_id == which)


def _check_messages(book, which, backward):
    told = [(occasion.partition("-")[0], at) for name, occasion, at in book.messages if name == which]
    opened = False
    for number, (what, at) in enumerate(told):
        if what == "resolved":
            assert opened or number == 0  # the first may be the only one: late, and nobody watched
            opened = False
            continue
        opened = True
        before = [then for again, then in told[:number] if again == what]
        if before and what != "escalated" and not backward:
            assert at - max(before) >= book.policy.cooldown_seconds
