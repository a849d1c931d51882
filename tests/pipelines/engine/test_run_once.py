"""Work is done once; what is recorded is true; what ends badly says so."""

import logging
import threading
import time

import pytest

from pipelines.engine import run_once as module
from pipelines.engine.errors import (
    FenceLost,
    KeyBusy,
    LedgerUnavailable,
    PayloadConflict,
    RowsMissing,
    StorageError,
    UsageError,
)
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Busy, Ledger
from pipelines.engine.run_once import exclusive, run_once
from tests.pipelines.engine.processes import wait_until

LEASE = 1.5


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(module, "LONGEST_POLL", 0.05)


def names_of(ledger, key):
    return [event.event for event in ledger.history(key.digest)]


def never(_hold):
    raise AssertionError("this work was done before")


def failing_with(error):
    def work(_hold):
        raise error

    return work


def in_background(function):
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def test_finished_work_is_not_done_again(ledger, key, caplog):
    first = run_once(ledger, key, lambda hold: {"rows": 7, "fence": hold.fence})
    with caplog.at_level(logging.INFO):
        second = run_once(ledger, key, never)
    assert (first.result, first.fresh, first.fence) == ({"rows": 7, "fence": 1}, True, 1)
    assert (second.result, second.fresh, second.fence) == (first.result, False, 1)
    assert f"already done: {key}" in caplog.text
    assert names_of(ledger, key) == ["claimed", "finished"]


def test_other_work_under_the_same_key_is_not_done(ledger, key):
    run_once(ledger, key, lambda _: {}, payload={"rows": 1})
    with pytest.raises(PayloadConflict):
        run_once(ledger, key, never, payload={"rows": 2})


def test_heartbeat_keeps_a_lease_that_is_shorter_than_the_work(ledger_url, key):
    ledger, rival = Ledger(ledger_url, lease_seconds=LEASE), Ledger(ledger_url)

    def work(hold):
        wait_until(lambda: rival.now() > hold.claim.claimed_at + 1.6 * LEASE)
        return {"rival": isinstance(rival.claim(key, holder="rival"), Busy)}

    outcome = run_once(ledger, key, work)
    assert (outcome.result, outcome.fence) == ({"rival": True}, 1)
    assert names_of(ledger, key) == ["claimed", "finished"]


def test_work_of_a_holder_that_was_taken_over_is_not_recorded(ledger, inside, key):
    def work(_hold):
        inside.end_lease(key.digest)
        ledger.claim(key, holder="newer")
        return {"by": "older"}

    with pytest.raises(FenceLost, match="newer"):
        run_once(ledger, key, work)
    assert names_of(ledger, key) == ["claimed", "taken_over"]
    assert (ledger.entry(key.digest).state, ledger.entry(key.digest).result) == ("claimed", None)


def test_failure_of_a_holder_that_was_taken_over_does_not_end_the_newer_try(ledger, inside, key):
    def work(_hold):
        inside.end_lease(key.digest)
        ledger.claim(key, holder="newer")
        raise RowsMissing("nothing was delivered")

    with pytest.raises(RowsMissing):
        run_once(ledger, key, work)
    assert names_of(ledger, key) == ["claimed", "taken_over"]


def test_a_file_that_the_newer_holder_cleared_away_is_a_lost_fence_and_tried_again(ledger, inside, key):
    def work(_hold):
        inside.end_lease(key.digest)
        ledger.claim(key, holder="newer")
        raise StorageError("cannot write the shard: no such file")

    with pytest.raises(FenceLost) as caught:
        run_once(ledger, key, work)
    assert isinstance(caught.value.__cause__, StorageError)
    assert names_of(ledger, key) == ["claimed", "taken_over"]


def test_check_before_publishing_stops_a_holder_that_was_taken_over(ledger, key):
    published = []

    def work(hold):
        hold.check()
        ledger.force(key.digest, holder="person", reason="stuck")
        hold.check()
        published.append(hold.fence)

    with pytest.raises(FenceLost):
        run_once(ledger, key, work)
    assert published == []
    assert names_of(ledger, key) == ["claimed", "forced"]


def test_heartbeat_notices_that_the_key_was_taken(ledger_url, key):
    ledger = Ledger(ledger_url, lease_seconds=0.3)

    def work(hold):
        ledger.force(key.digest, holder="person", reason="stuck")
        wait_until(lambda: hold.lost)
        with pytest.raises(FenceLost):
            hold.check()
        return {}

    with pytest.raises(FenceLost, match="state open, fence 2"):
        run_once(ledger, key, work)


def test_heartbeat_goes_on_when_the_ledger_does_not_answer_for_a_while(sqlite_ledger_url, key, monkeypatch, caplog):
    ledger = Ledger(sqlite_ledger_url, lease_seconds=0.3)
    renew, beats = ledger.renew, []

    def silent_at_first(claim):
        beats.append(claim)
        if len(beats) < 3:
            raise LedgerUnavailable("gone for lunch")
        renew(claim)

    monkeypatch.setattr(ledger, "renew", silent_at_first)
    outcome = run_once(ledger, key, lambda _: {"beats": bool(wait_until(lambda: len(beats) > 3))})
    assert outcome.result == {"beats": True}
    assert "gone for lunch" in caplog.text


def test_error_that_no_retry_mends_ends_the_generation(ledger, key):
    with pytest.raises(RowsMissing):
        run_once(ledger, key, failing_with(RowsMissing("nothing was delivered")))
    entry = ledger.entry(key.digest)
    assert (entry.state, entry.generation, entry.error) == ("failed", 2, "RowsMissing: nothing was delivered")
    assert run_once(ledger, key, lambda hold: {"generation": hold.claim.generation}).result == {"generation": 2}


def test_error_that_says_nothing_of_itself_ends_the_generation(ledger, key):
    with pytest.raises(ZeroDivisionError):
        run_once(ledger, key, lambda _: {"share": 1 / 0})
    assert (ledger.entry(key.digest).state, ledger.entry(key.digest).generation) == ("failed", 2)


@pytest.mark.parametrize("error", [LedgerUnavailable("down"), KeyboardInterrupt(), SystemExit(143)])
def test_error_that_a_retry_may_mend_and_an_interrupt_keep_the_generation(ledger, key, error):
    with pytest.raises(type(error)):
        run_once(ledger, key, failing_with(error))
    assert (ledger.entry(key.digest).state, ledger.entry(key.digest).generation) == ("open", 1)
    assert run_once(ledger, key, lambda hold: {"generation": hold.claim.generation}).result == {"generation": 1}


class JobGoesOn(UsageError):
    """As said by work outside of the process: no retry mends it, and the next try looks for the same job."""

    ends_generation = False


class JobDied(LedgerUnavailable):
    """As said by work outside of the process: worth a retry, and that one needs a new job."""

    ends_generation = True


@pytest.mark.parametrize(("error", "state", "generation"), [(JobGoesOn("x"), "open", 1), (JobDied("x"), "failed", 2)])
def test_error_may_say_itself_whether_the_next_try_is_a_new_generation(ledger, key, error, state, generation):
    with pytest.raises(type(error)):
        run_once(ledger, key, failing_with(error))
    assert (ledger.entry(key.digest).state, ledger.entry(key.digest).generation) == (state, generation)


def test_result_that_cannot_be_recorded_ends_the_try_at_once(ledger, key):
    with pytest.raises(UsageError, match="is not JSON"):
        run_once(ledger, key, lambda _: {"auc": float("nan")})
    assert ledger.entry(key.digest).state == "failed"


def test_own_error_is_shown_though_the_ledger_is_gone_by_then(sqlite_ledger_url, tmp_path, key, caplog):
    ledger = Ledger(sqlite_ledger_url, patience=0.1)

    def work(_hold):
        (tmp_path / "ledger.db").unlink()
        raise RowsMissing("nothing was delivered")

    with pytest.raises(RowsMissing):
        run_once(ledger, key, work)
    assert "could not tell the ledger" in caplog.text


def test_busy_key_is_named_with_its_holder(ledger, key):
    ledger.claim(key, holder="machine:1:abc")
    with pytest.raises(KeyBusy, match=r"is held by machine:1:abc \(fence 1\)") as caught:
        run_once(ledger, key, never)
    assert caught.value.retryable


def test_waiting_gets_the_result_of_the_other_holder(ledger, key, caplog):
    claim = ledger.claim(key, holder="other")
    with caplog.at_level(logging.INFO):

        def finish():
            wait_until(lambda: "waiting" in caplog.text)
            ledger.finish(claim, {"by": "other"})

        thread = in_background(finish)
        outcome = run_once(ledger, key, never, wait=True)
    thread.join()
    assert (outcome.result, outcome.fresh) == ({"by": "other"}, False)


def test_waiting_does_the_work_when_the_other_holder_gives_up(ledger, key, caplog):
    claim = ledger.claim(key, holder="other")
    with caplog.at_level(logging.INFO):

        def give_up():
            wait_until(lambda: "waiting" in caplog.text)
            ledger.fail(claim, "no")

        thread = in_background(give_up)
        outcome = run_once(ledger, key, lambda hold: {"generation": hold.claim.generation}, wait=True)
    thread.join()
    assert (outcome.result, outcome.fresh) == ({"generation": 2}, True)


def test_exclusive_waits_for_the_one_inside_to_leave(ledger, key):
    left = []

    def stay(hold_is_there):
        with exclusive(ledger, key):
            hold_is_there.set()
            time.sleep(0.2)
            left.append("first")

    entered = threading.Event()
    thread = in_background(lambda: stay(entered))
    assert entered.wait(30)
    with exclusive(ledger, key):
        left.append("second")
    thread.join()
    assert left == ["first", "second"]


def test_exclusive_is_left_when_the_work_inside_raises(ledger, key):
    with pytest.raises(RowsMissing), exclusive(ledger, key):
        raise RowsMissing("nothing was delivered")
    with exclusive(ledger, key) as hold:
        assert hold.fence == 2


def test_exclusive_shows_the_error_from_inside_though_the_ledger_is_gone_by_then(
    sqlite_ledger_url, tmp_path, key, caplog
):
    def stay():
        with exclusive(Ledger(sqlite_ledger_url, patience=0.1), key):
            (tmp_path / "ledger.db").unlink()
            raise RowsMissing("nothing was delivered")

    with pytest.raises(RowsMissing):
        stay()
    assert "could not tell the ledger" in caplog.text


def test_exclusive_says_on_leaving_that_somebody_else_went_in(ledger, inside, key):
    def stay_too_long():
        with exclusive(ledger, key):
            inside.end_lease(key.digest)
            ledger.claim(key, holder="impatient")

    with pytest.raises(FenceLost, match="impatient"):
        stay_too_long()


def test_two_keys_do_not_wait_for_each_other(ledger, key):
    other = TaskKey(pipeline="flights", step="score", partition="2013-11-01#1")
    with exclusive(ledger, key):
        assert run_once(ledger, other, lambda _: {"rows": 1}).fresh
