"""Messages that wait: who may take which, in which order, and what is remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.incidents.outbox import LONGEST_WAIT_SECONDS, wait_before_retry
from tests.pipelines.engine.incidents.nights import DUE, verdict


@pytest.fixture
def full(shop):
    """Two messages about one night, for two routes each."""
    shop.settle(verdict("late"), now=DUE)
    shop.settle(verdict("done", late_by=60.0), now=DUE + 60)
    return shop


def taken(shop, holder="me", **options):
    letters = shop.outbox.take(holder, **{"limit": 10, "lease_seconds": 60.0, **options})
    return [(letter.route, letter.message.occasion, letter.id) for letter in letters]


def test_next_message_of_an_incident_waits_for_the_one_before_it(full):
    first = taken(full)
    assert [letter[:2] for letter in first] == [("mail", "late"), ("chat", "late")]
    assert taken(full, "other") == []
    assert full.outbox.sent(first[0][2], "me")
    assert [letter[:2] for letter in taken(full, "other")] == [("mail", "resolved")]
    assert full.outbox.failed(first[1][2], "me", "no", retry_in=600.0)
    assert taken(full, "other") == []


def test_message_that_is_given_up_lets_the_next_one_go(full):
    [letter] = taken(full, route="mail")
    assert full.outbox.give_up(letter[2], "me", "too old")
    assert [letter[:2] for letter in taken(full, route="mail")] == [("mail", "resolved")]


def test_other_incidents_of_a_route_do_not_wait(full):
    full.settle(verdict("late", night="2026-11-20"), now=DUE)
    assert [letter[1] for letter in taken(full, route="mail")] == ["late", "late"]


def test_message_of_a_sender_that_died_is_taken_by_the_next_one(full):
    first = taken(full, "dead", route="mail")
    full.change(lease_until=0.0)
    second = taken(full, "alive", route="mail")
    assert first == second
    assert not full.outbox.failed(first[0][2], "dead", "x", retry_in=1.0)
    assert not full.outbox.sent(first[0][2], "dead")
    assert full.outbox.sent(second[0][2], "alive")
    assert [row.attempts for row in full.rows() if row.state == "sent"] == [2]


def test_yes_that_came_after_the_time_limit_counts(full):
    [letter] = taken(full, route="mail")
    assert full.outbox.failed(letter[2], "me", "no answer within 30 s", retry_in=2.0)
    assert full.outbox.sent(letter[2], "me")
    assert [row.error for row in full.rows() if row.state == "sent"] == [None]


def test_failed_message_is_due_later(full):
    [letter] = taken(full, route="mail")
    full.outbox.failed(letter[2], "me", "no", retry_in=600.0)
    assert full.outbox.due_routes() == ["chat"]
    full.change(due_at=0.0)
    assert full.outbox.due_routes() == ["chat", "mail"]


def test_what_waits_is_counted_by_route(full):
    [letter] = taken(full, route="mail")
    full.outbox.give_up(letter[2], "me", "never \0 again")
    chat, mail = full.outbox.pending()
    assert (chat.route, chat.waiting, chat.given_up, chat.error) == ("chat", 2, 0, None)
    assert (mail.route, mail.waiting, mail.given_up, mail.error) == ("mail", 1, 1, "never ? again")
    assert 0 <= chat.oldest_seconds < 600
    full.change(state="sent")
    assert full.outbox.pending() == []


@given(st.integers(1, 10_000), st.floats(0, 1), st.booleans())
def test_waits_double_up_to_ten_minutes(attempts, jitter, retryable):
    wait = wait_before_retry(attempts, retryable=retryable, jitter=jitter)
    assert 1.5 <= wait <= 1.25 * LONGEST_WAIT_SECONDS
    assert wait_before_retry(attempts + 1, retryable=retryable, jitter=jitter) >= wait


def test_waits_begin_with_two_seconds_and_what_somebody_must_mend_waits_longest():
    assert [wait_before_retry(n, jitter=0.5) for n in (1, 2, 3, 9, 10, 99)] == [2, 4, 8, 512, 600, 600]
    assert wait_before_retry(1, retryable=False, jitter=0.5) == 600
