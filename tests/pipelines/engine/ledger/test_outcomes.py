"""What each operation of the ledger comes to, asked once or asked again because its reply was lost."""

import pytest
from sqlalchemy.exc import DBAPIError

from pipelines.engine.errors import FenceLost, PayloadConflict, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Busy, Claimed, Done


def names_of(ledger, key):
    return [event.event for event in ledger.history(key.digest)]


def other_key(number):
    return TaskKey(pipeline="flights", step="score", partition=f"2013-11-01#{number}")


def test_first_claim_gets_the_key_with_fence_one(ledger, key):
    claim = ledger.claim(key, holder="a")
    assert claim == Claimed(key.digest, 1, 1, "a", claim.claimed_at, taken_over=False)
    assert abs(claim.claimed_at - ledger.now()) < 60


def test_second_holder_hears_who_is_busy_and_for_how_long(ledger, key):
    ledger.claim(key, holder="a")
    answer = ledger.claim(key, holder="b")
    assert answer == Busy(key.digest, 1, "a", answer.seconds_left)
    assert 3500 < answer.seconds_left <= 3600


def test_claim_whose_reply_was_lost_may_be_asked_again_by_its_holder(ledger, key):
    ledger.claim(key, holder="a")
    again = ledger.claim(key, holder="a")
    assert (again.fence, again.generation, again.taken_over) == (2, 1, False)


def test_finish_whose_reply_was_lost_may_be_sent_again(ledger, key):
    claim = ledger.claim(key, holder="a")
    ledger.finish(claim, {"rows": 1})
    ledger.finish(claim, {"rows": 1})
    assert names_of(ledger, key) == ["claimed", "finished"]


@pytest.mark.parametrize(("name", "event"), [("fail", "failed"), ("release", "released")])
def test_end_whose_reply_was_lost_may_be_sent_again(ledger, key, name, event):
    claim = ledger.claim(key, holder="a")
    getattr(ledger, name)(claim, "because")
    getattr(ledger, name)(claim, "because")
    assert names_of(ledger, key) == ["claimed", event]
    assert ledger.entry(key.digest).generation == (2 if event == "failed" else 1)


def test_done_answers_the_recorded_result(ledger, key):
    claim = ledger.claim(key, holder="a")
    result = {"rows": 7, "shares": [0.1, 1e-9], "name": "JFK \N{RIGHTWARDS ARROW} LAX", "none": None}
    ledger.finish(claim, result)
    answer = ledger.claim(key, holder="b")
    assert answer == Done(key.digest, 1, 1, answer.holder, answer.finished_at, result)
    assert answer.finished_at >= claim.claimed_at


def test_expired_lease_is_taken_over_with_a_higher_fence(ledger, inside, key):
    stale = ledger.claim(key, holder="a")
    inside.end_lease(key.digest)
    claim = ledger.claim(key, holder="b")
    assert (claim.fence, claim.generation, claim.taken_over) == (2, 1, True)
    assert ledger.history(key.digest)[-1].detail == {"from": "a"}
    for operation in (
        ledger.renew,
        lambda c: ledger.finish(c, {}),
        lambda c: ledger.fail(c, ""),
        lambda c: ledger.release(c, ""),
    ):
        with pytest.raises(FenceLost, match=f"a holds fence 1 of key {key.short} no longer .*fence 2, holder b"):
            operation(stale)
    assert ledger.entry(key.digest).holder == "b"


def test_expired_lease_can_be_renewed_while_nobody_took_the_key(ledger, inside, key):
    claim = ledger.claim(key, holder="a")
    inside.end_lease(key.digest)
    ledger.renew(claim)
    assert isinstance(ledger.claim(key, holder="b"), Busy)


def test_failed_try_may_be_repeated_at_once_as_a_new_generation(ledger, key):
    ledger.fail(ledger.claim(key, holder="a"), "no such column")
    assert ledger.entry(key.digest).error == "no such column"
    claim = ledger.claim(key, holder="b")
    assert (claim.fence, claim.generation, claim.taken_over) == (2, 2, False)
    assert ledger.entry(key.digest).error is None


def test_released_key_goes_on_in_the_same_generation(ledger, key):
    ledger.release(ledger.claim(key, holder="a"), "interrupted")
    claim = ledger.claim(key, holder="b")
    assert (claim.fence, claim.generation, claim.taken_over) == (2, 1, False)


def test_forced_key_is_open_again_and_shows_no_old_result(ledger, key):
    ledger.finish(ledger.claim(key, holder="a"), {"rows": 1})
    entry = ledger.force(key.digest, holder="person", reason="new data")
    assert (entry.state, entry.generation, entry.result, entry.finished_at) == ("open", 2, None, None)
    assert ledger.history(key.digest)[-1].detail["reason"] == "new data"
    claim = ledger.claim(key, holder="b")
    ledger.finish(claim, {"rows": 2})
    assert ledger.claim(key, holder="c").result == {"rows": 2}
    assert [e.detail for e in ledger.history(key.digest) if e.event == "finished"] == [{"rows": 1}, {"rows": 2}]


def test_force_takes_the_key_from_its_holder(ledger, key):
    claim = ledger.claim(key, holder="a")
    ledger.force(key.digest, holder="person", reason="stuck")
    with pytest.raises(FenceLost, match="state open, fence 2"):
        ledger.finish(claim, {})


def test_force_of_an_unknown_key_says_where_to_look(ledger):
    with pytest.raises(UsageError, match=r"has no key 0123456789ab. `nightshift keys` lists"):
        ledger.force("0123456789ab" + "0" * 52, holder="person", reason="typo")


def test_same_key_with_other_work_is_refused_and_both_are_shown(ledger, key):
    ledger.finish(ledger.claim(key, holder="a", payload={"rows": "one.parquet"}), {})
    with pytest.raises(PayloadConflict) as caught:
        ledger.claim(key, holder="b", payload={"rows": "two.parquet"})
    assert '{"rows":"one.parquet"}' in str(caught.value)
    assert '{"rows":"two.parquet"}' in str(caught.value)
    assert names_of(ledger, key) == ["claimed", "finished"]


def test_long_payloads_are_shown_shortened(ledger, key):
    ledger.claim(key, holder="a", payload=["x" * 5000])
    with pytest.raises(PayloadConflict) as caught:
        ledger.claim(key, holder="b", payload=["y" * 5000])
    assert len(str(caught.value)) < 1200


def test_too_large_a_result_is_refused_and_the_claim_still_holds(ledger, key):
    claim = ledger.claim(key, holder="a")
    with pytest.raises(UsageError, match=f"result of {key.short} has .* the ledger keeps up to 64000"):
        ledger.finish(claim, {"text": "x" * 64_000})
    ledger.finish(claim, {"rows": 1})


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
def test_result_that_is_not_json_is_refused_in_words(ledger, key, value):
    claim = ledger.claim(key, holder="a")
    with pytest.raises(UsageError, match=f"result of {key.short} is not JSON"):
        ledger.finish(claim, {"value": value})
    assert names_of(ledger, key) == ["claimed"]


def test_reason_with_characters_that_no_database_keeps_is_recorded(ledger, key):
    ledger.fail(ledger.claim(key, holder="a"), "cut at \0 in \udcff.parquet")
    assert ledger.entry(key.digest).error == "cut at ? in ?.parquet"
    assert ledger.history(key.digest)[-1].detail == {"reason": "cut at ? in ?.parquet"}


def test_unknown_key_has_no_entry_and_no_history(ledger):
    assert ledger.entry("0" * 64) is None
    assert ledger.history("0" * 64) == []


def test_entry_is_found_by_the_beginning_of_its_digest(ledger, key):
    ledger.claim(key, holder="a")
    assert ledger.entry(key.short).key == key.digest
    assert ledger.entry("%") is None


def test_beginning_that_fits_two_keys_is_refused(ledger):
    for number in range(17):  # two of seventeen digests begin alike
        ledger.claim(other_key(number), holder="a")
    first = [other_key(number).digest[0] for number in range(17)]
    doubled = next(digit for digit in first if first.count(digit) > 1)
    with pytest.raises(UsageError, match="begins more than one key"):
        ledger.entry(doubled)


def test_entries_are_filtered_and_the_latest_claim_comes_first(ledger, inside):
    for number in range(3):
        ledger.claim(other_key(number), holder="a")
    ledger.claim(TaskKey(pipeline="trains", step="score", partition="2013-11-01#0"), holder="a")
    times = [entry.claimed_at for entry in ledger.entries()]
    assert times == sorted(times, reverse=True)
    assert len(ledger.entries(pipeline="flights")) == 3
    assert len(ledger.entries(limit=2)) == 2
    (entry,) = ledger.entries(pipeline="flights", step="score", partition="2013-11-01#1")
    assert entry.identity == other_key(1).identity


def test_claims_given_since_a_time_are_counted(ledger, inside, key):
    before = ledger.now() - 1
    assert ledger.claims_since(before) == 0
    ledger.claim(key, holder="a")
    inside.end_lease(key.digest)
    ledger.finish(ledger.claim(key, holder="b"), {})
    ledger.claim(key, holder="c")
    assert ledger.claims_since(before) == 2
    assert ledger.claims_since(ledger.now() + 60) == 0


@pytest.mark.parametrize("statement", ["UPDATE task_events SET holder = 'me'", "DELETE FROM task_events"])
def test_history_refuses_to_be_changed(ledger, inside, key, statement):
    ledger.claim(key, holder="a")
    with pytest.raises(DBAPIError, match="task_events is append-only"):
        inside.connection.exec_driver_sql(statement)
    assert names_of(ledger, key) == ["claimed"]


@pytest.mark.postgres
@pytest.mark.parametrize("ledger_url", ["postgres"], indirect=True)
def test_history_refuses_to_be_emptied(ledger, inside, key):
    ledger.claim(key, holder="a")
    with pytest.raises(DBAPIError, match="task_events is append-only"):
        inside.connection.exec_driver_sql("TRUNCATE task_events")
