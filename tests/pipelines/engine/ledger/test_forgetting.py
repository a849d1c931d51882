"""What the history may lose; and that whatever goes, finished work stays finished."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Claimed, Done, Ledger
from pipelines.engine.ledger import forgetting as rules
from tests.pipelines.engine.ledgers import BOTH, Inside

DAY = 86_400.0


def key_of(name, pipeline="flights"):
    return TaskKey(pipeline=pipeline, step="score", partition=str(name))


def names_of(ledger, key):
    return [event.event for event in ledger.history(key.digest)]


def forget(ledger, days=30, **only):
    return ledger.forget_events(ledger.now() - days * DAY, **only)


@pytest.fixture
def old(ledger, inside, key):
    """A key that was finished, forced and finished again, forty days ago."""
    for number in (1, 2):
        ledger.finish(ledger.claim(key, holder="a"), {"number": number})
        if number == 1:
            ledger.force(key.digest, holder="me", reason="on purpose")
    inside.let_time_pass(40)
    return key


def test_old_events_go_and_the_last_finish_stays(ledger, old):
    assert names_of(ledger, old) == ["claimed", "finished", "forced", "claimed", "finished"]
    found = ledger.old_events(ledger.now() - 30 * DAY)
    assert (found.number, round((ledger.now() - found.oldest) / DAY)) == (4, 40)
    assert forget(ledger) == 4
    assert names_of(ledger, old) == ["finished"]
    assert ledger.history(old.digest)[0].detail == {"number": 2}
    assert forget(ledger) == 0


def test_finished_key_is_still_done_after_its_history_went(ledger, old):
    before = ledger.claim(old, holder="b")
    forget(ledger)
    assert ledger.claim(old, holder="c") == before
    assert (before.result, before.fence) == ({"number": 2}, 3)


def test_young_events_stay(ledger, inside, key):
    ledger.release(ledger.claim(key, holder="a"), "later")
    inside.let_time_pass(20)
    assert forget(ledger) == 0
    assert forget(ledger, days=19) == 2


def test_nothing_younger_than_a_week_goes_whatever_is_asked(ledger, inside, key):
    ledger.release(ledger.claim(key, holder="a"), "later")
    inside.let_time_pass(6.9)
    assert forget(ledger, days=-1) == 0
    assert names_of(ledger, key) == ["claimed", "released"]


def test_events_of_a_held_key_stay_until_it_is_left(ledger, inside, old):
    ledger.force(old.digest, holder="me", reason="again")
    claim = ledger.claim(old, holder="b")
    assert forget(ledger) == 0
    ledger.release(claim, "later")
    assert forget(ledger) == 4
    assert names_of(ledger, old) == ["finished", "forced", "claimed", "released"]


def test_only_events_of_the_named_pipelines_go(ledger, inside):
    for pipeline in ("flights", "tides"):
        ledger.release(ledger.claim(key_of(1, pipeline), holder="a"), "later")
    inside.let_time_pass(40)
    assert forget(ledger, pipelines=["tides"]) == 2
    assert names_of(ledger, key_of(1, "flights")) == ["claimed", "released"]


def test_more_than_fits_one_transaction_goes_too(ledger, inside, monkeypatch):
    monkeypatch.setattr(rules, "AT_ONCE", 2)
    for number in range(3):
        ledger.release(ledger.claim(key_of(number), holder="a"), "later")
    inside.let_time_pass(40)
    assert forget(ledger) == 6


@pytest.mark.parametrize("statement", ["DELETE FROM task_events", "UPDATE task_events SET holder = 'me'"])
def test_old_history_refuses_to_be_changed_by_anybody_else(ledger, inside, old, statement):
    with pytest.raises(DBAPIError, match="task_events is append-only"):
        inside.connection.exec_driver_sql(statement)
    forget(ledger)
    with pytest.raises(DBAPIError, match="task_events is append-only"):
        inside.connection.exec_driver_sql(statement)


@pytest.mark.parametrize("which", ["the last finish", "a young one", "of a held key"])
def test_database_itself_keeps_what_must_stay_even_if_told_to_forget(ledger, inside, key, which):
    claim = ledger.claim(key, holder="a")
    if which != "of a held key":
        ledger.finish(claim, {})
    if which != "a young one":
        inside.let_time_pass(40)
    if which == "of a held key":
        ledger.renew(claim)
    inside.connection.exec_driver_sql("INSERT INTO forgetting (older_than) VALUES (99999999999)")
    with pytest.raises(DBAPIError, match="task_events is append-only"):
        inside.connection.exec_driver_sql("DELETE FROM task_events WHERE event IN ('finished', 'claimed')")


def test_no_key_is_ever_removed(ledger, inside, old):
    with pytest.raises(DBAPIError, match="never forgets a key"):
        inside.connection.exec_driver_sql("DELETE FROM task_keys")


@pytest.mark.postgres
@pytest.mark.parametrize("ledger_url", ["postgres"], indirect=True)
def test_keys_refuse_to_be_emptied(ledger, inside, old):
    with pytest.raises(DBAPIError, match="never forgets a key"):
        inside.connection.exec_driver_sql("TRUNCATE task_keys")


def test_nobody_sees_that_somebody_forgets(ledger, inside, old):
    forget(ledger)
    assert inside.connection.exec_driver_sql("SELECT count(*) FROM forgetting").scalar() == 0


KEYS = st.integers(0, 2)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["claim", "finish", "fail", "release", "force", "expire", "forget"]), KEYS),
    st.tuples(st.just("pass"), st.sampled_from([5.0, 20.0, 40.0])),
)


@pytest.mark.parametrize("kind", BOTH)
def test_finished_keys_stay_finished_and_fences_never_fall(kind, request):
    url = request.getfixturevalue(f"{kind}_ledger_url")
    ledger = Ledger(url, lease_seconds=3600, patience=5)
    examples = iter(range(10_000))

    @settings(max_examples=40, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(steps=st.lists(STEPS, max_size=25))
    def check(steps):
        play(ledger, inside, f"example{next(examples)}", steps)

    with Inside(url) as inside:
        check()


def play(ledger, inside, example, steps):
    """Let anything happen; after each forgetting every key stands as before, and the next fence is a higher one."""
    claims, fences = {}, {}
    for step, number in [*steps, ("pass", 40.0), ("forget", 0)]:
        if step == "pass":
            inside.let_time_pass(number)
            continue
        key = key_of(number, example)
        entry = ledger.entry(key.digest)
        if step == "forget":
            before = ledger.entries(pipeline=example)
            forget(ledger)
            assert ledger.entries(pipeline=example) == before
            assert_remembered(ledger, before)
        elif step == "claim":
            answer = ledger.claim(key, holder=f"h{number}")
            if isinstance(answer, Claimed):
                assert answer.fence > fences.get(number, 0)
                claims[number], fences[number] = answer, answer.fence
        elif step == "force" and entry:
            fences[number] = ledger.force(key.digest, holder="me", reason="on purpose").fence
        elif step == "expire":
            inside.end_lease(key.digest)
        elif entry and entry.state == "claimed" and step in ("finish", "fail", "release"):
            said = {"finish": {"fence": entry.fence}, "fail": "broke", "release": "later"}[step]
            getattr(ledger, step)(claims[number], said)


def assert_remembered(ledger, entries):
    for entry in entries:
        if entry.state == "done":
            answer = ledger.claim(TaskKey(**entry.identity), holder="somebody else")
            assert isinstance(answer, Done)
            assert (answer.fence, answer.result) == (entry.fence, entry.result)
            finishes = [event for event in ledger.history(entry.key) if event.event == "finished"]
            assert finishes[-1].detail == entry.result
