"""What is sent, in spite of receivers that are dead, slow or lie, and of senders that die."""

import pytest

from pipelines.engine.incidents.outbox import GIVE_UP_SECONDS
from pipelines.engine.incidents.sender import Sender, Sent
from pipelines.engine.incidents.sinks import SinkError
from tests.pipelines.engine.incidents.nights import DUE, verdict
from tests.pipelines.engine.incidents.receivers import LineSink, Receiver, dead_port
from tests.pipelines.engine.processes import Race, wait_until

PATIENCE = 30.0


@pytest.fixture
def mail():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def chat():
    with Receiver() as receiver:
        yield receiver


def sender_to(shop, ports, **options):
    return Sender(shop.outbox, lambda route: LineSink(ports[route]), **options)


def tell_a_night(shop):
    shop.settle(verdict("at_risk"), now=DUE - 600)
    shop.settle(verdict("late"), now=DUE)
    shop.settle(verdict("done", late_by=60.0), now=DUE + 60)


NIGHT = ["at_risk", "late", "resolved"]


def test_messages_arrive_once_each_and_in_order(shop, mail, chat):
    tell_a_night(shop)
    sender = sender_to(shop, {"mail": mail.port, "chat": chat.port})
    assert sender.send_due(wait_seconds=PATIENCE) == Sent(sent=6)
    assert sender.send_due(wait_seconds=PATIENCE) == Sent()
    assert mail.occasions == chat.occasions == NIGHT
    assert mail.got[1]["title"].endswith("late, not finished by 11:00 UTC")


def test_dead_receiver_delays_its_own_messages_and_nobody_elses(small_shop, mail, caplog):
    tell_a_night(small_shop)
    ports = {"mail": mail.port, "chat": dead_port()}
    sender = sender_to(small_shop, ports)
    assert sender.send_due(wait_seconds=PATIENCE) == Sent(sent=3, failed=1)
    assert mail.occasions == NIGHT
    assert "route chat failed, trying again in" in caplog.text
    [pending] = small_shop.outbox.pending()
    assert (pending.route, pending.waiting) == ("chat", 3)
    assert "refused" in str(pending.error)
    with Receiver() as chat:  # back after the night
        ports["chat"] = chat.port
        small_shop.change(due_at=0.0)
        assert sender.send_due(wait_seconds=PATIENCE) == Sent(sent=3)
        assert chat.occasions == NIGHT
    assert mail.occasions == NIGHT


def test_receiver_that_hangs_holds_up_nobody_and_its_late_yes_counts(small_shop, mail, chat):
    tell_a_night(small_shop)
    chat.go_on.clear()
    sender = sender_to(small_shop, {"mail": mail.port, "chat": chat.port}, limit_seconds=0.05)
    total = [sender.send_due(wait_seconds=0.5)]
    wait_until(lambda: total.append(sender.send_due(wait_seconds=0.05)) or sum(one.failed for one in total) == 1)
    assert sum(one.sent for one in total) == 3
    assert mail.occasions == NIGHT
    assert chat.occasions == ["at_risk"]
    assert total[-1].busy == ("chat",)
    assert "no answer within 0.05 s" in str(small_shop.outbox.pending()[0].error)
    small_shop.change(due_at=0.0)
    assert sender.send_due(wait_seconds=0.05).busy == ("chat",)  # due again, and not sent while nobody knows
    assert chat.occasions == ["at_risk"]
    sender_after = sender_to(small_shop, {"chat": chat.port})
    chat.go_on.set()
    wait_until(lambda: next(row.state for row in small_shop.rows() if row.route == "chat") == "sent")
    assert sender_after.send_due(wait_seconds=PATIENCE) == Sent(sent=2)
    assert chat.occasions == NIGHT


def test_receiver_that_hangs_up_is_asked_again_until_it_says_yes(small_shop, mail):
    small_shop.settle(verdict("late"), now=DUE, routes_for=lambda message: ["mail"])
    sender = sender_to(small_shop, {"mail": mail.port})
    for answer in ("", "no", "never"):
        mail.answer = answer
        assert sender.send_due(wait_seconds=PATIENCE) == Sent(failed=1)
        assert f"the receiver said {answer!r}" in str(small_shop.outbox.pending()[0].error)
        small_shop.change(due_at=0.0)
    mail.answer = "ok"
    assert sender.send_due(wait_seconds=PATIENCE) == Sent(sent=1)
    assert mail.occasions == ["late"] * 4  # it had them; it never said so


def test_message_is_given_up_after_three_days_and_that_is_said_loudly(small_shop, mail, caplog):
    tell_a_night(small_shop)
    mail.answer = "no"
    small_shop.change(written_at=small_shop.rows()[0].written_at - GIVE_UP_SECONDS - 60)
    sender = sender_to(small_shop, {"mail": mail.port, "chat": mail.port})
    assert sender.send_due(wait_seconds=PATIENCE).given_up == 6
    assert "nobody on route mail was told: flights_scoring" in caplog.text
    assert [row.levelname for row in caplog.records] == ["ERROR"] * 6
    assert {pending.given_up for pending in small_shop.outbox.pending()} == {3}


def test_route_that_cannot_be_opened_keeps_its_messages_and_says_why(small_shop):
    def no_secret(route):
        raise SinkError(f"route {route}: there is no SLACK_TOKEN", retryable=False)

    small_shop.settle(verdict("late"), now=DUE)
    assert Sender(small_shop.outbox, no_secret).send_due(wait_seconds=PATIENCE) == Sent(failed=2)
    assert [pending.error for pending in small_shop.outbox.pending()] == [
        "route chat: there is no SLACK_TOKEN",
        "route mail: there is no SLACK_TOKEN",
    ]


def test_secrets_in_errors_are_neither_stored_nor_logged(small_shop, caplog):
    class Leaky:
        def send(self, message):
            raise RuntimeError("POST https://ada:hunter2@hooks.example.org/x?token=abcdef failed with xoxb-1234")

    sender = Sender(
        small_shop.outbox,
        lambda route: Leaky(),
        mask=lambda text: text.replace("xoxb-1234", "***").replace("hunter2", "***").replace("abcdef", "***"),
    )
    small_shop.settle(verdict("late"), now=DUE)
    sender.send_due(wait_seconds=PATIENCE)
    small_shop.change(due_at=0.0)
    Sender(small_shop.outbox, lambda route: Leaky()).send_due(wait_seconds=PATIENCE)
    kept = f"{small_shop.outbox.pending()}"
    assert "RuntimeError" in kept
    assert not any(secret in kept + caplog.text for secret in ("hunter2", "abcdef"))


def test_crash_between_the_transaction_and_the_sending_loses_nothing(shop, mail, chat):
    """The incident is settled by a process that ends; another one finds the messages."""
    shop.settle(verdict("late"), now=DUE)
    assert sender_to(shop, {"mail": mail.port, "chat": chat.port}).send_due(wait_seconds=PATIENCE) == Sent(sent=2)


def test_sender_killed_while_it_sends_is_followed_by_the_next_one_after_its_lease(small_shop, mail, tmp_path):
    small_shop.settle(verdict("late"), now=DUE, routes_for=lambda message: ["mail"])
    mail.go_on.clear()
    with Race("incidents/sending.py", [small_shop.url, str(mail.port)], tmp_path, 1) as race:
        wait_until(lambda: mail.got)
        race.kill(race.processes[0].pid)
    mail.go_on.set()
    after = sender_to(small_shop, {"mail": mail.port})
    assert after.send_due(wait_seconds=PATIENCE) == Sent()  # it may still be at it
    small_shop.change(lease_until=0.0)
    assert after.send_due(wait_seconds=PATIENCE) == Sent(sent=1)
    assert mail.occasions == ["late", "late"]  # nobody could know: the one case in which a message comes twice


def test_many_senders_send_each_message_once(shop, mail, tmp_path):
    nights = [verdict("late", night=f"2026-10-{day:02}") for day in range(1, 13)]
    shop.settle(*nights, now=DUE)
    with Race("incidents/sending.py", [shop.url, str(mail.port)], tmp_path, 3) as race:
        race.answers()
    told = [(message["night"], message["occasion"]) for message in mail.got]
    assert len(told) == 24  # two routes, the same receiver
    assert len(set(told)) == 12
    assert shop.outbox.pending() == []


def test_closing_waits_for_what_is_being_sent_and_names_what_hangs(small_shop, mail, chat):
    small_shop.settle(verdict("late"), now=DUE)
    chat.go_on.clear()
    sender = sender_to(small_shop, {"mail": mail.port, "chat": chat.port})
    sender.send_due(wait_seconds=0.0)
    wait_until(lambda: chat.got and mail.got)
    assert sender.close(wait_seconds=1.0) == ("chat",)
    chat.go_on.set()
    assert sender.close(wait_seconds=PATIENCE) == ()
