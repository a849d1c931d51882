"""Routes with secrets in them: looked up when something is sent, and told to nobody but the receiver."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from nightshift.alerts import checking
from nightshift.alerts.apprise_sink import AppriseSink
from nightshift.alerts.hiding import masked
from nightshift.alerts.log_sink import sent_file
from nightshift.alerts.routes import Route
from nightshift.alerts.sinks import open_sink
from nightshift.cli import cli
from pipelines.engine.incidents.sinks import SinkError
from pipelines.engine.incidents.values import Message
from pipelines.engine.settings import Settings, read_settings
from tests.nightshift.alerts.messages import LATE, RESOLVED
from tests.support.receivers import LOOPBACK, closed_port, mail_server, slow_server

CANARY = "zq7x0kv/9 @mail"
"""A secret with everything in it that a URL must not hold as it is."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NIGHTSHIFT_ROUTES", str(tmp_path / "routes.toml"))
    return read_settings()


@pytest.fixture
def ears(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Hears everything that is logged, down to the lines of the libraries that send."""
    for name in ("apprise", "urllib3", "httpx", "httpcore", "nightshift", "pipelines"):
        caplog.set_level(logging.DEBUG, logger=name)
    caplog.set_level(logging.DEBUG)
    return caplog


def route(url: str) -> Route:
    return Route("ops", url)


def write_routes(settings: Settings, **urls: str) -> None:
    text = "".join(f'[[route]]\nname = "{name}"\nurl = "{url}"\n' for name, url in urls.items())
    settings.routes.write_text(text)


def failure(sink_route: Route, settings: Settings) -> SinkError:
    with pytest.raises(SinkError) as error:
        open_sink(sink_route, settings).send(LATE)
    return error.value


def test_dry_run_writes_down_what_would_have_been_sent(settings: Settings, ears) -> None:
    sink = open_sink(route("log://"), settings)
    sink.send(LATE)
    sink.send(RESOLVED)
    lines = [json.loads(line) for line in sent_file(settings.home).read_text().splitlines()]
    assert [Message.from_json(line) for line in lines] == [LATE, RESOLVED]
    assert {line["route"] for line in lines} == {"ops"}
    assert sent_file(settings.home).stat().st_mode & 0o777 == 0o600
    assert "not sent, a dry run: flights_scoring, night 2026-11-19" in ears.text


def test_dry_run_on_a_disk_that_refuses_is_a_failure(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "alerts").write_text("a file where the folder belongs")
    assert failure(route("log://"), settings).retryable


@pytest.mark.parametrize(
    ("reference", "name", "value"),
    [
        ("{env:HOOK_TOKEN}", "HOOK_TOKEN", CANARY),
        ("{connection:hook}", "AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "http", "password": CANARY})),
        ("{connection:hook.login}", "AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "http", "login": CANARY})),
        (
            "{connection:hook.extra.api.token}",
            "AIRFLOW_CONN_HOOK",
            json.dumps({"conn_type": "http", "extra": {"api": {"token": CANARY}}}),
        ),
        ("{secret:hook_token}", "AIRFLOW_VAR_HOOK_TOKEN", CANARY),
    ],
)
def test_secret_reaches_the_receiver_and_nobody_else(
    settings, webhook, monkeypatch, ears, capfd, reference, name, value
) -> None:
    monkeypatch.setenv(name, value)
    sink = open_sink(route(f"json://night:{reference}@{webhook.address}/{reference}?+X-Token={reference}"), settings)
    sink.send(LATE)
    [request] = webhook.requests
    assert request.headers["X-Token"] == CANARY
    webhook.status = 500
    error = failure(route(f"json://night:{reference}@{webhook.address}/{reference}?+X-Token={reference}"), settings)
    refused = failure(route(f"json://{LOOPBACK}:{closed_port()}/{reference}"), settings)
    printed = capfd.readouterr()
    for said in (str(error), str(refused), repr(sink), ears.text, printed.out, printed.err):
        assert "zq7x0kv" not in said


def test_secret_is_looked_up_anew_for_each_message(settings, webhook, monkeypatch) -> None:
    sink = open_sink(route(f"json://{webhook.address}/x?+X-Token={{env:HOOK_TOKEN}}"), settings)
    with pytest.raises(SinkError):
        sink.send(LATE)
    for token in ("first-token", "second-token"):
        monkeypatch.setenv("HOOK_TOKEN", token)
        sink.send(LATE)
    assert [request.headers["X-Token"] for request in webhook.requests] == ["first-token", "second-token"]


def test_whole_url_may_be_the_secret(settings, webhook, monkeypatch, ears) -> None:
    monkeypatch.setenv("HOOK", f"json://{webhook.address}/services/zq7x0kv-token")
    open_sink(route("{env:HOOK}"), settings).send(LATE)
    assert webhook.requests[0].path == "/services/zq7x0kv-token"
    webhook.status = 404
    error = failure(route("{env:HOOK}"), settings)
    assert not error.retryable
    assert "zq7x0kv" not in str(error)
    assert "POST" in ears.text
    assert "zq7x0kv" not in ears.text


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("{env:NOT_SET}", "Set the environment variable NOT_SET"),
        ("{connection:not_there}", "there is no connection 'not_there'"),
        ("{connection:half}", "{connection:half} is not there"),
        ("{connection:half.extra.token}", "{connection:half.extra.token} is not there"),
        ("{secret:not_there}", "AIRFLOW_VAR_NOT_THERE"),
    ],
)
def test_missing_secret_names_route_and_secret(settings, monkeypatch, reference, said) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HALF", json.dumps({"conn_type": "http", "login": "only"}))
    error = failure(route(f"json://{LOOPBACK}/{reference}"), settings)
    assert not error.retryable  # it stays in the outbox, and somebody must add it
    assert "route 'ops'" in str(error)
    assert said in str(error)


def test_check_shows_which_route_could_not_send_and_no_secret(settings, monkeypatch, webhook) -> None:
    monkeypatch.setenv("TOKEN", CANARY)
    write_routes(settings, good=f"json://{webhook.address}/{{env:TOKEN}}", bad="json://h/{env:NOT_SET}", dry="log://")
    checked = CliRunner().invoke(cli, ["alerts", "check"])
    assert checked.exit_code == 1
    assert "route 'bad': {env:NOT_SET} is not there" in checked.stderr
    assert checked.stderr.count("\n") == 1
    as_json = CliRunner().invoke(cli, ["alerts", "check", "--json"])
    assert [bool(each["error"]) for each in json.loads(as_json.stdout)] == [False, True, False]
    assert "zq7x0kv" not in checked.output + as_json.output
    assert webhook.requests == []


def test_check_of_mistaken_routes_is_wrong_usage(settings) -> None:
    settings.routes.write_text("[[route]]\n")
    checked = CliRunner().invoke(cli, ["alerts", "check"])
    assert checked.exit_code == 2
    assert "routes.toml has 2 mistakes" in checked.stderr


def test_trial_sends_a_late_and_a_resolved_message_along_each_route(settings, webhook) -> None:
    with mail_server() as mails:
        write_routes(settings, hook=webhook.url(), mail=mails.url())
        tried = CliRunner().invoke(cli, ["alerts", "test"])
        assert tried.exit_code == 0, tried.output
        assert mails.titles() == ["A test of alerts: nothing is late", "A test of alerts is over"]
    assert [body["type"] for body in webhook.accepted] == ["warning", "success"]


def test_trial_of_one_route_and_of_one_that_refuses(settings, webhook) -> None:
    write_routes(settings, hook=webhook.url(), dry="log://")
    assert CliRunner().invoke(cli, ["alerts", "test", "--route", "dry"]).exit_code == 0
    assert webhook.requests == []
    webhook.status = 503
    tried = CliRunner().invoke(cli, ["alerts", "test"])
    assert tried.exit_code == 1
    assert "route 'hook' (json)" in tried.stderr
    assert "dry: accepted" in tried.stdout
    unknown = CliRunner().invoke(cli, ["alerts", "test", "--route", "hoook"])
    assert unknown.exit_code == 2
    assert "Did you mean 'hook'?" in unknown.stderr


@pytest.mark.parametrize("secret", ["a b/c@d", "päss wörd", "with%20percent", "plus+and&more="])
def test_every_spelling_of_a_secret_is_hidden(secret: str) -> None:
    from urllib.parse import quote, quote_plus

    text = f"{secret} | {quote(secret)} | {quote(secret, safe='')} | {quote_plus(secret)}"
    assert masked(text, [secret]) == "*** | *** | *** | ***"


def test_short_words_are_left_alone() -> None:
    assert masked("at an end", ["a", "at", ""]) == "at an end"


def test_trial_of_a_receiver_that_never_comes_to_an_end_does(settings, monkeypatch) -> None:
    monkeypatch.setattr(checking, "TRY_SECONDS", 0.5)
    with slow_server() as port:
        write_routes(settings, slow=f"json://{LOOPBACK}:{port}/x")
        tried = CliRunner().invoke(cli, ["alerts", "test"])
    assert tried.exit_code == 1
    assert "route 'slow': no answer within 0.5 s" in tried.stderr


def test_mistake_of_a_library_is_a_failure_without_secrets(settings, monkeypatch) -> None:
    monkeypatch.setenv("TOKEN", CANARY)

    def broken(self: AppriseSink, message: Message) -> None:
        raise ValueError(f"cannot read {self._url} as {CANARY}")

    monkeypatch.setattr(AppriseSink, "send", broken)
    error = failure(route("json://h/{env:TOKEN}"), settings)
    assert "route 'ops': ValueError: cannot read" in str(error)
    assert "zq7x0kv" not in str(error)
