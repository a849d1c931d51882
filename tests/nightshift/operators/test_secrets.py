"""A canary: passwords go in by the environment, and come out nowhere, whatever is run and whatever fails."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import logging
import socket
import threading
import traceback
from urllib.parse import quote

import pytest
from airflow.sdk import configuration
from click.testing import CliRunner
from sqlalchemy import select

from nightshift import (
    EvaluateOperator,
    MonitorOperator,
    PlanShardsOperator,
    PromoteOperator,
    PublishOperator,
    RegisterOperator,
    ScoreOperator,
    TrainOperator,
    ValidateOperator,
    ValidateTrainingOperator,
)
from nightshift.cli import cli
from nightshift.pages.keys import values_of
from nightshift.pages.rendering import render
from pipelines.engine.ledger.schema import task_events, task_keys
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.views.stories import story
from tests.nightshift.operators.worker import in_dag, run_task
from tests.pipelines.engine.ledgers import Inside
from tests.pipelines.engine.steps import tides
from tests.support.mlflow import mlflow_server
from tests.support.roles import role_with_password

CANARY = "zq7x0kv"
PASSWORD = f"{CANARY}/9 @"
LOGIN = f"night:{quote(PASSWORD, safe='')}"
FORMS = (
    CANARY,
    base64.b64encode(f"night:{PASSWORD}".encode()).decode(),
    base64.b64encode(CANARY.encode()).decode().rstrip("="),
)
NIGHT = tides.NIGHTS[0]


def assert_silent(text, where):
    for form in FORMS:
        found = text.find(form)
        assert found < 0, f"{where} tells a password: ...{text[max(0, found - 200) : found + 50]}..."


class Listener:
    """Gathers what a person, a log or a database could get to see."""

    def __init__(self, caplog, capfd, home):
        self.said = []
        self._caplog, self._capfd, self._home = caplog, capfd, home

    def run(self, operator):
        ran = run_task(operator)
        self.said.append((f"the XComs of {type(operator).__name__}", json.dumps([ran.xcoms, ran.links], default=str)))
        self.said.append((f"the message of {type(operator).__name__}", str(ran.message)))
        if ran.error:
            self.said.append(("the traceback", "".join(traceback.format_exception(ran.error))))
        return ran

    def cli(self, *words):
        answer = CliRunner().invoke(cli, words)
        self.said.append((f"nightshift {words[0]}", answer.output + str(answer.exception)))
        return answer

    def assert_silent(self):
        printed = self._capfd.readouterr()
        for where, text in [
            *self.said,
            ("the log", self._caplog.text),
            ("stdout", printed.out),
            ("stderr", printed.err),
        ]:
            assert_silent(text, where)
        for path in self._home.rglob("*"):
            if path.is_file():
                assert_silent(path.read_bytes().decode("latin-1"), path)


@pytest.fixture
def listener(place, at, caplog, capfd, monkeypatch):
    """An operator's surroundings with secrets in them, and ears everywhere."""
    at(place)
    for name in ("pipelines", "model_registry", "data_checks", "nightshift"):
        caplog.set_level(logging.DEBUG, logger=name)
    monkeypatch.setenv("AIRFLOW_CONN_BUCKET", f"aws://key:{quote(PASSWORD, safe='')}@/?region_name=eu-west-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return Listener(caplog, capfd, place.home)


@pytest.mark.postgres
def test_a_training_and_a_night_tell_no_password(listener, place, postgres_ledger_url, monkeypatch, tmp_path):
    url = postgres_ledger_url.replace("nightshift@", f"nightshift:{quote(PASSWORD, safe='')}@")
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", url)
    with mlflow_server(place.home / "mlflow/mlflow.db", tmp_path) as (server, _):
        monkeypatch.setenv("NIGHTSHIFT_TRACKING_URI", server.replace("http://", f"http://{LOGIN}@"))
        checked = listener.run(in_dag(ValidateTrainingOperator, as_of=tides.AS_OF)).result
        trained = listener.run(in_dag(TrainOperator, checked=checked))
        judged = listener.run(in_dag(EvaluateOperator, checked=checked, trained=trained.result)).result
        registered = listener.run(in_dag(RegisterOperator, trained=trained.result, judged=judged)).result
        listener.run(in_dag(PromoteOperator, registered=registered, judged=judged))
        night = listener.run(in_dag(ValidateOperator)).result
        planned = listener.run(in_dag(PlanShardsOperator, checked=night)).result
        scored = [listener.run(in_dag(ScoreOperator, shard=shard)).result for shard in planned]
        published = listener.run(in_dag(PublishOperator, checked=night, scored=scored))
        assert listener.run(in_dag(MonitorOperator, checked=night, published=published.result)).state == "success"
    assert trained.links["RunLink"].startswith(f"{server}/#/experiments/")
    assert listener.cli("keys", "list", "--json").exit_code == 0
    assert listener.cli("keys", "show", published.result["key"]).exit_code == 0
    with Inside(url) as door:
        rows = [*door.connection.execute(select(task_keys)), *door.connection.execute(select(task_events))]
    assert len(rows) > 20
    listener.said.append(("the ledger", str(rows)))
    ledger = Ledger(url)
    listener.said.append(("the ledger's name", f"{ledger!r} {ledger.where}"))
    for each in ledger.entries():
        told = story(each, ledger.history(each.key))
        listener.said.append(("the key page", render("key", "/nightshift", **values_of(each, told))))
    listener.assert_silent()


@pytest.fixture
def closed_port():
    """A port that nobody listens on, held so that nobody else begins to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def locked_out(postgres):
    """The URL of a role whose password the server asks for, and which is not the canary."""
    with role_with_password(postgres, "locked_out", "another"):
        yield f"postgresql://locked_out:{quote(PASSWORD, safe='')}@127.0.0.1:{postgres.port}"


@pytest.mark.postgres
def test_a_ledger_that_refuses_the_password_is_named_without_it(listener, locked_out, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", f"{locked_out}/postgres")
    ran = listener.run(in_dag(ValidateOperator))
    assert "password authentication failed" in str(ran.error)
    assert listener.cli("status", "flights").exit_code == 1
    listener.assert_silent()


@pytest.mark.postgres
def test_a_registry_database_that_refuses_the_password_is_named_without_it(listener, locked_out, monkeypatch):
    uri = f"{locked_out}/postgres".replace("postgresql:", "postgresql+psycopg2:")
    monkeypatch.setenv("NIGHTSHIFT_TRACKING_URI", uri)
    ran = listener.run(in_dag(ValidateOperator))
    assert "password authentication failed" in str(ran.error)
    listener.assert_silent()


LEDGERS = {
    "nobody there": f"postgresql://{LOGIN}@127.0.0.1:{{port}}/ledger",
    "no such host": f"postgresql://{LOGIN}@no-such-host.invalid/ledger",
    "parameter": f"postgresql://night@127.0.0.1:{{port}}/ledger?password={CANARY}",
    "unknown parameter": f"postgresql://{LOGIN}@127.0.0.1:{{port}}/ledger?secret={CANARY}",
    "@ not encoded": f"postgresql://night:9@{CANARY}@127.0.0.1/ledger",
    "port is no number": f"postgresql://night@127.0.0.1:{CANARY}/ledger",
    "unknown driver": f"postgresql+none://{LOGIN}@127.0.0.1/ledger",
    "other database": f"mysql://{LOGIN}@127.0.0.1/ledger",
    "no URL": f"{LOGIN}@127.0.0.1/ledger",
}


@pytest.mark.parametrize("url", LEDGERS.values(), ids=LEDGERS)
def test_a_ledger_that_cannot_be_reached_is_told_without_its_password(listener, closed_port, monkeypatch, url):
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", url.format(port=closed_port))
    ran = listener.run(in_dag(ValidateOperator))
    assert type(ran.error).__name__ in ("LedgerUnavailable", "LedgerError", "UsageError")
    assert listener.cli("status", "flights").exit_code in (1, 2)
    listener.assert_silent()


REGISTRIES = {
    "nobody there": f"http://{LOGIN}@127.0.0.1:{{port}}",
    "lone token": f"http://{CANARY}@127.0.0.1:{{port}}",
    "/ not encoded": f"http://night:{CANARY}/9@127.0.0.1:{{port}}",
    "@ not encoded": f"http://night:9@{CANARY}@127.0.0.1:{{port}}",
    "port is no number": f"http://{LOGIN}@127.0.0.1:port",
    "unknown scheme": f"ftp://{LOGIN}@127.0.0.1:{{port}}",
    "no such host": f"http://{LOGIN}@no-such-host.invalid",
    "dead database": f"postgresql+psycopg2://{LOGIN}@127.0.0.1:{{port}}/mlflow",
    "unknown driver": f"postgresql+none://{LOGIN}@127.0.0.1/mlflow",
    "unknown database": f"oddity://{LOGIN}@127.0.0.1/mlflow",
}


@pytest.mark.parametrize("uri", REGISTRIES.values(), ids=REGISTRIES)
def test_a_registry_that_cannot_be_reached_is_told_without_its_password(listener, closed_port, monkeypatch, uri):
    monkeypatch.setenv("NIGHTSHIFT_TRACKING_URI", uri.format(port=closed_port))
    ran = listener.run(in_dag(ValidateOperator))
    assert type(ran.error).__name__ in ("RegistryUnavailable", "RegistryRefused")
    listener.assert_silent()


ANSWERS = {
    "401": (401, {"WWW-Authenticate": "Basic"}, b"who are you?"),
    "403": (403, {}, b'{"error_code": "PERMISSION_DENIED", "message": "no"}'),
    "500": (500, {}, b"oh"),
    "a page": (200, {"Content-Type": "text/html"}, b"<html>log in</html>"),
    "sent away": (302, {"Location": f"http://{LOGIN}@127.0.0.1:9/login"}, b""),
    "an echo": (400, {}, b"ECHO"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_registry_that_answers_wrongly_is_told_without_its_password(listener, monkeypatch, answer):
    with answering(*answer) as port:
        monkeypatch.setenv("NIGHTSHIFT_TRACKING_URI", f"http://{LOGIN}@127.0.0.1:{port}")
        ran = listener.run(in_dag(ValidateOperator))
    assert type(ran.error).__name__ in ("RegistryUnavailable", "RegistryRefused", "NotLoggedIn")
    listener.assert_silent()


@pytest.fixture
def login(tmp_path, monkeypatch):
    """MLflow's login in a file; what our client sets for it in the environment is gone when the test is."""
    file = tmp_path / "mlflow_credentials"
    file.write_text(f"[mlflow]\nmlflow_tracking_username = night\nmlflow_tracking_password = {PASSWORD}\n")
    monkeypatch.setenv("NIGHTSHIFT_TRACKING_CREDENTIALS", str(file))
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "x")
    monkeypatch.delenv("MLFLOW_TRACKING_AUTH")
    return file


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_registry_that_answers_wrongly_is_told_without_the_password_of_its_file(listener, login, monkeypatch, answer):
    with answering(*answer) as port:
        monkeypatch.setenv("NIGHTSHIFT_TRACKING_URI", f"http://127.0.0.1:{port}")
        ran = listener.run(in_dag(ValidateOperator))
    assert type(ran.error).__name__ in ("RegistryUnavailable", "RegistryRefused", "NotLoggedIn")
    listener.assert_silent()


@pytest.mark.parametrize("text", ["no ini: {}", "[mlflow\n{}", "[mlflow]\nmlflow_tracking_password: {}"])
def test_a_login_that_cannot_be_read_is_told_without_what_is_in_it(listener, login, closed_port, monkeypatch, text):
    login.write_text(text.format(PASSWORD))
    monkeypatch.setenv("NIGHTSHIFT_TRACKING_URI", f"http://127.0.0.1:{closed_port}")
    ran = listener.run(in_dag(ValidateOperator))
    assert "is no login of MLflow" in str(ran.error)
    listener.assert_silent()


@pytest.mark.postgres
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_ledger_that_refuses_the_password_of_the_file_is_named_without_it(
    listener, locked_out, monkeypatch, tmp_path, mode
):
    passwords = tmp_path / "worker.pgpass"
    passwords.write_text(f"*:*:postgres:locked_out:{PASSWORD}\n")
    passwords.chmod(mode)  # libpq ignores one that others may read, and says so on stderr
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", f"postgresql://locked_out@{locked_out.rpartition('@')[2]}/postgres")
    ran = listener.run(in_dag(ValidateOperator))
    assert "does not let locked_out in" in str(ran.error)
    assert listener.cli("status", "flights").exit_code == 1
    listener.assert_silent()


def test_a_store_that_refuses_the_key_of_the_file_is_told_without_it(listener, monkeypatch, tmp_path):
    said = {"conn_type": "aws", "login": "key", "password": PASSWORD, "extra": {"region_name": "us-east-1"}}
    with answering(403, {}, f"<Error><Code>SignatureDoesNotMatch</Code><Key>{PASSWORD}</Key></Error>".encode()) as port:
        said["extra"]["endpoint_url"] = f"http://127.0.0.1:{port}"
        (tmp_path / "connections.json").write_text(json.dumps({"lake": said}))
        monkeypatch.setattr(configuration, "_secrets_backend_cache", {})
        monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "airflow.secrets.local_filesystem.LocalFilesystemBackend")
        place = json.dumps({"connections_file_path": str(tmp_path / "connections.json")})
        monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND_KWARGS", place)
        monkeypatch.setenv("NIGHTSHIFT_AWS_CONNECTION", "lake")
        monkeypatch.setenv("NIGHTSHIFT_DATA", "s3://lake/data")
        ran = listener.run(in_dag(ValidateOperator))
    assert type(ran.error).__name__ == "StorageError"
    listener.assert_silent()


def test_files_of_the_stack_come_out_of_no_command(listener, tmp_path):
    folder = tmp_path / "secrets"
    assert listener.cli("secrets", "init", "--folder", str(folder)).exit_code == 0
    (folder / "broker_url").write_text(f"redis://:{quote(PASSWORD, safe='')}@redis:6379/0")
    (folder / "watch.pgpass").write_text(f"*:*:ledger:ledger:{CANARY}-ledger\n")
    (folder / "logins.json").write_text(f'{{"admin": "{CANARY}", "viewer": ')
    (folder / "mlflow_auth.ini").write_text(f"[mlflow\nadmin_password = {CANARY}")
    for words in (["init"], ["check"], ["check", "--json"], ["rotate", "ledger"], ["rotate", "mlflow_admin"]):
        listener.cli("secrets", *words, "--folder", str(folder))
    listener.cli(
        "secrets", "rotate", "ledger", "--folder", str(folder), "--tell", f"postgresql://{LOGIN}@127.0.0.1:1/x"
    )
    listener.assert_silent()


@contextlib.contextmanager
def answering(status, headers, body):
    """A web server that gives one answer to everything; instead of ECHO it sends back the login that it was sent."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = self.headers.get("Authorization", "")
            login = base64.b64decode(said.removeprefix("Basic ")).decode() if said.startswith("Basic ") else said
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body.replace(b"ECHO", login.encode()))

        do_GET = do_POST = do_HEAD = answer  # noqa: N815 - names that the library calls

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("name", ["NIGHTSHIFT_REPORTS", "NIGHTSHIFT_TABLES"])
def test_storage_that_cannot_be_written_is_told_without_a_password(listener, tmp_path, monkeypatch, name):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(name, str(tmp_path / "file"))
    rows = tides.make_rows(NIGHT)
    rows.loc[0, "wind"] = 77.0  # refused, so that there is something to keep in quarantine
    tides.write(rows, listener._home / "data/tides/rows" / f"{NIGHT}.parquet")
    ran = listener.run(in_dag(ValidateOperator))
    assert type(ran.error).__name__ == "StorageError"
    listener.assert_silent()
