"""Messages through Apprise, to real servers: what arrives, and what is said when nothing does."""

from __future__ import annotations

import json
import threading
from contextlib import suppress

import pytest

from nightshift.alerts.apprise_sink import AppriseSink, notify_type
from nightshift.alerts.references import filled
from pipelines.engine.incidents.sinks import SinkError
from tests.nightshift.alerts.messages import AT_RISK, LATE, RESOLVED, other
from tests.support.receivers import LOOPBACK, closed_port, mail_server, silent_server, slow_server


def failure(url: str, message=LATE) -> SinkError:
    with pytest.raises(SinkError) as error:
        AppriseSink("ops", url).send(message)
    assert str(error.value).startswith("route 'ops' (")
    assert len(str(error.value)) < 600
    return error.value


def test_mail_arrives_once_with_title_text_and_sender(mails) -> None:
    AppriseSink("ops", mails.url()).send(LATE)
    [mail] = mails.mails
    assert mail["subject"] == LATE.title
    assert mail["to"] == "team@example.org"
    assert "night@example.org" in mail["from"]
    text = mail.get_body(("plain",)).get_content()
    assert "score has taken 3 h 10 min" in text
    assert "Next: nightshift keys list flights" in text


def test_mail_server_with_a_login_wants_the_right_one() -> None:
    with mail_server(login=("night", "right-password")) as server:
        AppriseSink("ops", server.url("night", "right-password")).send(LATE)
        error = failure(server.url("night", "wrong-password"))
        assert not error.retryable  # somebody must mend it, and to ask at once again might lock the account
        assert "535" in str(error)
        assert "wrong-password" not in str(error)
        assert server.titles() == [LATE.title]


@pytest.mark.parametrize(("answer", "retryable"), [("451 busy, come back later", True), ("554 not like this", False)])
def test_mail_that_is_refused_says_with_which_words(mails, answer: str, retryable: bool) -> None:
    mails.refuses = answer
    error = failure(mails.url())
    assert error.retryable is retryable
    assert answer[:3] in str(error)


def test_webhook_gets_title_text_kind_and_what_the_url_adds(webhook) -> None:
    url = filled(webhook.url() + "?:incident={incident}&:state={state}&+X-Key={occasion}", lambda _: "", RESOLVED)
    AppriseSink("ops", url).send(RESOLVED)
    [request] = webhook.requests
    assert request.path == "/alerts"
    assert request.headers["X-Key"] == "resolved"
    said = request.body
    assert (said["title"], said["message"], said["type"]) == (RESOLVED.title, RESOLVED.text, "success")
    assert (said["incident"], said["state"]) == (LATE.incident_id, "resolved")


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (403, False), (404, False), (413, False), (429, True), (408, True), (500, True)],
)
def test_answer_says_whether_it_may_go_by_itself(webhook, status: int, retryable: bool) -> None:
    webhook.status = status
    error = failure(webhook.url())
    assert f"error={status}" in str(error)
    assert error.retryable is retryable
    assert len(webhook.requests) == 1  # it is the outbox that tries again


def test_redirect_is_not_followed_with_our_credentials(webhook) -> None:
    webhook.status, webhook.headers = 307, {"Location": f"http://{webhook.address}/elsewhere"}
    assert failure(webhook.url()).retryable
    assert [request.path for request in webhook.requests] == ["/alerts"]


@pytest.mark.parametrize("kind", ["json", "mailto"])
def test_receiver_that_is_not_there_is_said(kind: str) -> None:
    ending = "?from=a@example.org&to=b@example.org" if kind == "mailto" else "/x"
    error = failure(f"{kind}://{LOOPBACK}:{closed_port()}{ending}")
    assert error.retryable
    assert "Connection refused" in str(error)


@pytest.mark.parametrize("kind", ["json", "mailto"])
def test_receiver_that_never_answers_is_given_up(kind: str) -> None:
    with silent_server() as port:
        ending = "/?from=a@example.org&to=b@example.org&" if kind == "mailto" else "/x?"
        error = failure(f"{kind}://{LOOPBACK}:{port}{ending}rto=0.3&cto=0.3")
    assert error.retryable
    assert "timed out" in str(error).lower()


def send_in_vain(sink: AppriseSink) -> None:
    with suppress(SinkError):
        sink.send(LATE)


def test_hanging_receivers_of_one_route_take_no_thread_from_another(webhook, monkeypatch) -> None:
    """Apprise's own pool has some ten threads; more calls than that hang, and another route sends all the same."""
    with slow_server() as port:
        sink = AppriseSink("slow", f"json://{LOOPBACK}:{port}/x")
        for _ in range(40):
            threading.Thread(target=send_in_vain, args=(sink,), daemon=True).start()
        AppriseSink("ops", webhook.url()).send(LATE)
    assert len(webhook.accepted) == 1


def test_failure_is_not_called_optional(webhook) -> None:
    webhook.status = 500
    assert failure(webhook.url() + "?optional=yes").retryable


def test_url_that_cannot_be_used_says_why_without_showing_it() -> None:
    error = failure("mailto://me:sesame-street@127.0.0.1:25")
    assert "cannot be used" in str(error)
    assert "sesame" not in str(error)
    with pytest.raises(SinkError, match="API Key"):
        AppriseSink("ops", "pagerduty://@").check()


@pytest.mark.parametrize(
    ("message", "kind"),
    [(LATE, "failure"), (AT_RISK, "warning"), (RESOLVED, "success"), (other(LATE, severity="info"), "info")],
)
def test_kind_follows_severity_and_a_resolution_is_a_success(message, kind: str) -> None:
    assert notify_type(message).value == kind


def test_pagerduty_gets_one_incident_which_the_resolution_closes(webhook, monkeypatch) -> None:
    from apprise.plugins import pagerduty

    monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, "us", f"http://{webhook.address}/v2/enqueue")
    url = "pagerduty://integration@token/nightshift?action=map&dedup={incident}"
    for message in (AT_RISK, LATE, RESOLVED):
        AppriseSink("pager", filled(url, lambda _: "", message)).send(message)
    risk, late, over = webhook.accepted
    assert [event["event_action"] for event in (risk, late, over)] == ["trigger", "trigger", "resolve"]
    assert {event["dedup_key"] for event in (risk, late, over)} == {LATE.incident_id}
    assert [event["payload"]["severity"] for event in (risk, late)] == ["warning", "critical"]
    assert late["payload"]["summary"].startswith(LATE.title)


def test_slack_gets_title_and_text(webhook, monkeypatch) -> None:
    from apprise.plugins.slack import NotifySlack

    webhook.says = b"ok"
    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://{webhook.address}/services")
    AppriseSink("slack", "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ").send(LATE)
    [request] = webhook.requests
    assert request.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    said = json.dumps(request.body)
    assert LATE.title in said
    assert "it usually takes 40 min" in said
    assert "http" not in said  # no pictures from anybody's server


def test_long_message_is_cut_where_the_receiver_takes_no_more() -> None:
    from apprise.common import OverflowMode

    receiver = AppriseSink("ops", "pagerduty://integration@token")._receiver()
    assert receiver.overflow_mode is OverflowMode.TRUNCATE
    assert (
        AppriseSink("ops", "pagerduty://integration@token?overflow=split")._receiver().overflow_mode
        is OverflowMode.SPLIT
    )
