"""What the checklist sees of real servers, files and ports."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from nightshift.drill.servers import DatabaseServer, ObjectStore
from nightshift.drill.servers.guarded import Guarded, start_on_free_port
from nightshift.hardening.files import look_at_secret_files, modes, named_files
from nightshift.hardening.ledger import heard_of, judge_watch
from nightshift.hardening.logins import guess_airflow, guess_mlflow, look_at_mlflow
from nightshift.hardening.network import look_at_ports, published_ports
from nightshift.hardening.options import Option, Options
from nightshift.hardening.passwords import look_at_broker, look_at_doors, look_at_environment
from nightshift.hardening.sight import Sight
from nightshift.hardening.stores import judge_writes, list_as_nobody, look_at_lifecycle, try_writes
from nightshift.hardening.telling import retention_seconds
from nightshift.hardening.values import NotUsed, Unseen
from nightshift.hardening.workers import judge_clocks, look_at_clocks, look_at_visibility, look_at_worker_keys
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.settings import read_settings
from tests.support.roles import role_with_password


def seen(tmp_path: Path, variables: dict[str, str] | None = None, **options: str) -> Sight:
    """A sight of a system with these variables and options of Airflow, by `section__key`."""
    environment = {"NIGHTSHIFT_HOME": str(tmp_path), **(variables or {})}
    sight = Sight(read_settings(environment), environment)
    known = {tuple(name.split("__", 1)): Option(value, "env var") for name, value in options.items()}
    sight.__dict__["options"] = Options(known)  # type: ignore[arg-type]
    return sight


class Answers(BaseHTTPRequestHandler):
    """Says what the server was told to say, and what time it believes it is."""

    def do_GET(self) -> None:
        login = self.headers.get("Authorization")
        known = self.server.login is not None and login == self.server.login  # type: ignore[attr-defined]
        status = 200 if known else self.server.status  # type: ignore[attr-defined]
        self.send_response_only(status)
        self.send_header("Date", formatdate(time.time() + self.server.ahead, usegmt=True))  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    status, ahead, login = 401, 0.0, None
    url = ""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Answers) as server:
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_mlflow_that_asks_for_a_login_is_told_from_one_that_does_not(server: Server, tmp_path: Path) -> None:
    sight = seen(tmp_path, {"NIGHTSHIFT_TRACKING_URI": f"{server.url}/"})
    assert {answer.status for answer in look_at_mlflow(sight)} == {401}
    assert not any(guess.let_in for guess in guess_mlflow(sight))
    server.login = "Basic YWRtaW46cGFzc3dvcmQxMjM0"  # admin:password1234
    assert [guess.how for guess in guess_mlflow(sight) if guess.let_in] == ["admin with the password 'password1234'"]
    server.status = 200
    assert {answer.status for answer in look_at_mlflow(sight)} == {200}


def test_airflow_that_lets_everybody_in_is_told_once(server: Server, tmp_path: Path) -> None:
    sight = seen(tmp_path, core__execution_api_server_url=f"{server.url}/execution/")
    assert len(guess_airflow(sight)) > 1
    assert not any(guess.let_in for guess in guess_airflow(sight))
    server.status = 200
    assert [(guess.how, guess.let_in) for guess in guess_airflow(sight)] == [("whoever asks for a token", True)]


def test_keys_of_workers_are_looked_at_where_there_are_workers(tmp_path: Path) -> None:
    with pytest.raises(NotUsed, match="LocalExecutor"):
        look_at_worker_keys(seen(tmp_path, core__executor="LocalExecutor"))
    assert "worker.pgpass" in look_at_worker_keys(seen(tmp_path, core__executor="CeleryExecutor"))


def test_server_that_does_not_answer_is_asked_once(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    sight = seen(tmp_path, {"NIGHTSHIFT_TRACKING_URI": url})
    for _ in range(2):
        with pytest.raises(Unseen, match="does not answer"):
            look_at_mlflow(sight)


def test_clock_of_a_server_is_held_against_the_databases(
    server: Server, tmp_path: Path, sqlite_ledger_url: str
) -> None:
    variables = {"NIGHTSHIFT_LEDGER_URL": sqlite_ledger_url, "NIGHTSHIFT_TRACKING_URI": server.url}
    assert not list(judge_clocks(look_at_clocks(seen(tmp_path, variables))))
    server.ahead = 120.0
    [fault] = judge_clocks(look_at_clocks(seen(tmp_path, variables)))
    assert server.url in fault.who
    assert "ahead" in fault.got


def test_worker_whose_clock_is_wrong_is_found(
    tmp_path: Path, sqlite_ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    observations, now = Observations(sqlite_ledger_url), time.time()
    about = {"state": "running", "try_number": 1}
    observations.tell_task("a", "r", "well", -1, machine="worker-well", **about)
    with monkeypatch.context() as wrong:
        wrong.setattr("pipelines.engine.ledger.observations.time.time", lambda: now - 3600)
        observations.tell_task("a", "r", "behind", -1, machine="worker-behind", **about)
    [fault] = judge_clocks(look_at_clocks(seen(tmp_path, {"NIGHTSHIFT_LEDGER_URL": sqlite_ledger_url})))
    assert "worker-behind" in fault.who
    assert "behind" in fault.got


def test_watch_that_was_heard_is_alive(tmp_path: Path, sqlite_ledger_url: str) -> None:
    sight = seen(tmp_path, {"NIGHTSHIFT_LEDGER_URL": sqlite_ledger_url})
    assert list(judge_watch(heard_of(sight, "watch")))
    Observations(sqlite_ledger_url).beat("watch", {})
    assert not list(judge_watch(heard_of(sight, "watch")))


def test_visibility_is_held_against_tasks_that_ran(tmp_path: Path, sqlite_ledger_url: str) -> None:
    options = {"core__executor": "CeleryExecutor", "celery__broker_url": "redis://redis:6379/0"}
    sight = seen(tmp_path, {"NIGHTSHIFT_LEDGER_URL": sqlite_ledger_url}, **options)
    assert (look_at_visibility(sight).visibility, look_at_visibility(sight).longest) == (86_400.0, None)
    with pytest.raises(NotUsed):
        look_at_visibility(seen(tmp_path, core__executor="LocalExecutor"))


@pytest.mark.postgres
def test_roles_that_get_in_without_knowing_a_password_are_found(postgres: DatabaseServer, tmp_path: Path) -> None:
    sight = seen(tmp_path, {"NIGHTSHIFT_LEDGER_URL": postgres.url("postgres")})
    with role_with_password(postgres, "mlflow", "nobody can guess it"):
        assert not any(door.opened for door in look_at_doors(sight))
    with role_with_password(postgres, "ledger", "ledger"):
        opened = [door for door in look_at_doors(sight) if door.opened]
        assert [(door.role, door.how) for door in opened] == [("ledger", "with its own name as the password")]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis that wants a password: `a long enough secret`, with hyphens."""
    folder, program = tmp_path_factory.mktemp("redis"), shutil.which("redis-server")
    assert program, "redis-server is not installed; run `apt-get install redis-server`"

    def start(port: int) -> Guarded:
        settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "a-long-enough-secret"]
        process = Guarded("Redis", [program, *settings], log=folder / "log", environment=os.environ, folder=folder)
        process.wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        return process

    process, port = start_on_free_port(start)
    yield port
    process.stop()


def broker(tmp_path: Path, url: str) -> Sight:
    return seen(tmp_path, core__executor="CeleryExecutor", celery__broker_url=url)


def test_redis_that_wants_a_password_is_told_from_one_that_does_not(redis: int, tmp_path: Path) -> None:
    import redis as client

    asked = look_at_broker(broker(tmp_path, f"redis://:a-long-enough-secret@127.0.0.1:{redis}/0"))
    assert (asked.open_to_all, asked.guessed, asked.weak) == (False, False, "")
    assert look_at_broker(broker(tmp_path, f"redis://:short@127.0.0.1:{redis}/0")).weak == "5 characters"
    with client.Redis(port=redis, password="a-long-enough-secret") as connection:
        connection.config_set("requirepass", "redis")
        assert look_at_broker(broker(tmp_path, f"redis://127.0.0.1:{redis}/0")).guessed
        connection.config_set("requirepass", "")
    assert look_at_broker(broker(tmp_path, f"redis://127.0.0.1:{redis}/0")).open_to_all


@pytest.fixture
def lake(store: ObjectStore, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sight:
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT", raising=False)
    account = {"conn_type": "aws", "extra": {"endpoint_url": store.url, "region_name": "us-east-1"}}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(account))
    return seen(tmp_path, {"NIGHTSHIFT_TABLES": f"s3://{bucket}/prod/tables"})


def test_store_that_honours_conditions_is_green_and_keeps_nothing_of_the_trial(lake: Sight) -> None:
    writes = try_writes(lake)
    assert (writes.first, writes.second) == (200, 412)
    assert not list(judge_writes(writes))
    from nightshift.hardening.stores import bucket_of

    assert bucket_of(lake).client.list_objects_v2(Bucket=bucket_of(lake).name).get("KeyCount") == 0


def test_bucket_of_the_tables_is_asked_as_nobody_and_for_its_rules(lake: Sight) -> None:
    from nightshift.hardening.stores import bucket_of

    assert list_as_nobody(lake).near
    assert look_at_lifecycle(lake).rules == []
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "prod/"}, "Expiration": {"Days": 30}}
    bucket = bucket_of(lake)
    bucket.client.put_bucket_lifecycle_configuration(Bucket=bucket.name, LifecycleConfiguration={"Rules": [rule]})
    [kept] = look_at_lifecycle(lake).rules
    assert kept["Filter"] == {"Prefix": "prod/"}


def test_tables_on_this_machine_need_no_store(tmp_path: Path) -> None:
    with pytest.raises(NotUsed):
        try_writes(seen(tmp_path))


def test_files_that_variables_name_are_looked_at(tmp_path: Path) -> None:
    for name, mode in (("key", 0o600), ("pgpass", 0o640), ("connections.json", 0o644)):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    variables = {
        "AIRFLOW__CORE__FERNET_KEY_CMD": f"cat {tmp_path}/key",
        "PGPASSFILE": f"{tmp_path}/pgpass",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": f"{tmp_path}/connections.json"}),
        "PATH": "/usr/bin",
    }
    assert list(named_files(variables)) == [f"{tmp_path}/{name}" for name in ("key", "pgpass", "connections.json")]
    found = {Path(file.path).name: file.mode for file in look_at_secret_files(seen(tmp_path, variables))}
    assert found == {"key": 0o600, "pgpass": 0o640, "connections.json": 0o644}


def test_file_below_a_closed_folder_is_reached_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed/key").write_text("x")
    [mode] = modes([tmp_path / "closed/key"])
    assert not mode.reached


def test_passwords_in_variables_are_named_and_not_shown(tmp_path: Path) -> None:
    written = look_at_environment(
        seen(
            tmp_path,
            {
                "NIGHTSHIFT_LEDGER_URL": "postgresql://ledger:ledger@db/ledger",
                "HOMEPAGE": "https://example.org:8080/a@b",
            },
        )
    )
    assert written.names == ("NIGHTSHIFT_LEDGER_URL",)
    assert written.weak == (("NIGHTSHIFT_LEDGER_URL", "a word that everybody knows"),)


def test_ports_of_inner_services_that_a_compose_file_publishes_are_found() -> None:
    text = """
    services:
      postgres: {ports: ["5432:5432"]}
      redis: {ports: ["127.0.0.1:6379:6379/tcp"]}
      mlflow: {ports: [{target: 5000, published: "5000", host_ip: 0.0.0.0}]}
      prometheus: {ports: ["${BIND:-192.0.2.1}:9090:9090"]}
      alertmanager: {ports: ["[::1]:9093:9093"]}
      otel-collector: {ports: ["4318"]}
      airflow-api-server: {ports: ["8080:8080"]}
      watch: {}
    """
    found = {(port.service, port.address, port.port) for port in published_ports(yaml.safe_load(text))}
    assert found == {
        ("postgres", "", 5432),
        ("redis", "127.0.0.1", 6379),
        ("mlflow", "0.0.0.0", 5000),  # noqa: S104
        ("prometheus", "192.0.2.1", 9090),
        ("alertmanager", "::1", 9093),
    }


def test_service_that_listens_on_every_address_is_found(tmp_path: Path) -> None:
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))  # noqa: S104
        everywhere.listen()
        port = everywhere.getsockname()[1]
        sight = seen(tmp_path, {"NIGHTSHIFT_LEDGER_URL": f"postgresql://ledger@127.0.0.1:{port}/ledger"})
        assert ("postgres", "0.0.0.0", port) in {(p.service, p.address, p.port) for p in look_at_ports(sight)}  # noqa: S104


@pytest.mark.parametrize(
    ("said", "days"), [("15d", 15), ("1w2d", 9), ("60d or 512MiB", 60), ("512MiB", None), ("36h", 1.5)]
)
def test_retention_of_prometheus_is_read(said: str, days: float | None) -> None:
    assert retention_seconds(said) == (None if days is None else days * 86_400)
