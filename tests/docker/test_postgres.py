"""The databases and roles of the production stack, made by its own scripts on a real server that asks for passwords."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

import psycopg2
import pytest

from nightshift.drill.servers import DatabaseServer
from nightshift.secrets.folder import examine, initialise, read_texts, rotate
from nightshift.secrets.telling import rotate_and_tell
from nightshift.secrets.values import ROLES
from pipelines.engine.errors import LedgerError, LedgerUnavailable, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Done, Ledger
from pipelines.engine.ledger.migrate import migrate
from tests.support.clone import REPOSITORY
from tests.support.roles import ask_for_passwords

pytestmark = pytest.mark.postgres
SCRIPTS = REPOSITORY / "docker" / "postgres"


@dataclass(frozen=True)
class Stack:
    """A server with the stack's roles, and the folder of their passwords."""

    server: DatabaseServer
    secrets: Path

    def url(self, database: str, role: str) -> str:
        return f"postgresql://{role}@127.0.0.1:{self.server.port}/{database}"

    def run_scripts(self) -> None:
        """Do what the image's entrypoint does with its folder, and what `nightshift stack` does."""
        environment = {
            **os.environ,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.server.port),
            "POSTGRES_USER": "nightshift",
            "NIGHTSHIFT_ROLES_SQL": str(self.secrets / "roles.sql"),
        }
        psql = ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "nightshift", "-d", "postgres", "-f")
        for script in sorted((SCRIPTS / "init").iterdir()):
            command = [str(script)] if script.suffix == ".sh" else [*psql, str(script)]
            subprocess.run(command, env=environment, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack") / "secrets"
    initialise(folder, token_bytes)
    with DatabaseServer() as server:
        stack = Stack(server, folder)
        stack.run_scripts()
        stack.run_scripts()  # a second time changes nothing
        ask_for_passwords(server, ROLES)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGPASSFILE", str(folder / "migrate.pgpass"))
            migrate(stack.url("ledger", "ledger_owner"), grants=(SCRIPTS / "ledger_grants.sql").read_text())
        yield stack


@pytest.fixture
def passwords(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    """Use one of the password files from now on, as libpq does."""

    def use(file: str) -> None:
        monkeypatch.setenv("PGPASSFILE", str(stack.secrets / file))

    return use


@pytest.fixture
def key() -> TaskKey:
    return TaskKey(pipeline="flights", step="score", partition="2013-11-01#0", inputs={"rows": "abc"}, code="c0de")


def test_each_reader_gets_into_its_databases(stack: Stack, passwords) -> None:
    for file, logins in {
        "airflow.pgpass": [("airflow", "airflow"), ("ledger", "ledger"), ("celery", "celery")],
        "worker.pgpass": [("ledger", "ledger"), ("celery", "celery")],
        "migrate.pgpass": [("airflow", "airflow"), ("ledger", "ledger_owner")],
        "mlflow.pgpass": [("mlflow", "mlflow"), ("mlflow_auth", "mlflow")],
        "watch.pgpass": [("ledger", "ledger")],
    }.items():
        passwords(file)
        for database, role in logins:
            psycopg2.connect(stack.url(database, role)).close()


def test_nobody_gets_into_the_database_of_another(stack: Stack) -> None:
    with stack.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, array_agg(datname ORDER BY datname) FROM pg_roles, pg_database "
            "WHERE datallowconn AND rolname = ANY (%s) AND has_database_privilege(pg_roles.oid, pg_database.oid, 'CONNECT') GROUP BY rolname",
            (list(ROLES),),
        )
        assert dict(cursor.fetchall()) == {
            "airflow": ["airflow"],
            "celery": ["celery"],
            "ledger": ["ledger"],
            "ledger_owner": ["ledger"],
            "mlflow": ["mlflow", "mlflow_auth"],
        }


def test_wrong_password_lets_nobody_in(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong")
    for role in ROLES:
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(stack.url("ledger", role))


def test_ledger_works_as_the_role_of_workers(stack: Stack, passwords, key) -> None:
    passwords("worker.pgpass")
    ledger = Ledger(stack.url("ledger", "ledger"), patience=1)
    ledger.check()
    ledger.release(ledger.claim(key, holder="worker"), "later")
    ledger.finish(ledger.claim(key, holder="worker"), {"rows": 1})
    assert isinstance(ledger.claim(key, holder="other"), Done)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE task_keys",
        "DELETE FROM task_keys",
        "DELETE FROM task_events",
        "TRUNCATE incidents",
        "CREATE TABLE mine (a int)",
        "CREATE TEMPORARY TABLE mine (a int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "ALTER ROLE ledger SUPERUSER",
        "SET ROLE ledger_owner",
        "GRANT SELECT ON task_keys TO airflow",
        "COPY task_keys TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/hostname')",
    ],
)
def test_workers_may_do_nothing_else_there(stack: Stack, passwords, statement: str) -> None:
    passwords("worker.pgpass")
    with psycopg2.connect(stack.url("ledger", "ledger")) as connection, connection.cursor() as cursor:
        if statement.startswith("GRANT"):
            cursor.execute(statement)
            assert "no privileges were granted" in connection.notices[-1]
            return
        with pytest.raises(psycopg2.Error, match=r"permission denied|must be"):
            cursor.execute(statement)


def test_migrations_repeat_the_rights(stack: Stack, passwords, key) -> None:
    passwords("migrate.pgpass")
    owner = stack.url("ledger", "ledger_owner")
    with psycopg2.connect(owner) as connection, connection.cursor() as cursor:
        cursor.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ledger")
    passwords("worker.pgpass")
    with pytest.raises(LedgerError, match="permission denied"):
        Ledger(stack.url("ledger", "ledger"), patience=1).check()
    passwords("migrate.pgpass")
    migrate(owner, grants=(SCRIPTS / "ledger_grants.sql").read_text())
    passwords("worker.pgpass")
    Ledger(stack.url("ledger", "ledger"), patience=1).check()


def work_until(told: threading.Event, ledger: Ledger, finished: list[int]) -> None:
    """Do one piece of work after the other, as a worker does, each with a connection of its own."""
    while not told.is_set():
        number = len(finished)
        key = TaskKey(pipeline="flights", step="score", partition=f"rotation#{number}", inputs={}, code="c0de")
        ledger.finish(ledger.claim(key, holder="worker"), {"rows": number})
        ledger.rest()
        finished.append(number)


def wait_for_more(finished: list[int], number: int) -> None:
    deadline = time.monotonic() + 30
    while len(finished) < number and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(finished) >= number


def test_work_goes_on_while_the_password_of_the_ledger_is_rotated(stack: Stack, passwords) -> None:
    passwords("worker.pgpass")
    old = (stack.secrets / "worker.pgpass").read_text().split(":")[4].split()[0]
    finished: list[int] = []
    told = threading.Event()
    worker = threading.Thread(target=work_until, args=(told, Ledger(stack.url("ledger", "ledger")), finished))
    worker.start()
    try:
        wait_for_more(finished, 5)
        rotate_and_tell(stack.secrets, "ledger", token_bytes, stack.url("postgres", "nightshift"))
        wait_for_more(finished, len(finished) + 5)
        rotate(stack.secrets, "ledger", token_bytes)  # by hand: the server hears of it a moment later
        stopped = len(finished)
        time.sleep(0.5)
        assert len(finished) <= stopped + 1
        stack.run_scripts()
        wait_for_more(finished, stopped + 5)
    finally:
        told.set()
        worker.join(30)
    assert not worker.is_alive()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(stack.url("ledger", "ledger"), password=old)
    assert examine(stack.secrets) == []


def test_password_that_stays_wrong_is_told_in_a_sentence(stack: Stack, monkeypatch, tmp_path) -> None:
    wrong = tmp_path / "wrong.pgpass"
    wrong.write_text("*:*:ledger:ledger:zq7x0kv\n")
    wrong.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(wrong))
    with pytest.raises(LedgerUnavailable) as caught:
        Ledger(stack.url("ledger", "ledger"), patience=0).check()
    told = str(caught.value)
    assert "does not let ledger in" in told
    assert f'password retrieved from file "{wrong}"' in told
    assert "nightshift secrets check" in told
    assert "zq7x0kv" not in told
    wrong.chmod(0o644)
    with pytest.raises(LedgerUnavailable, match=r"no password supplied.*\n.*of mode 0600, or libpq ignores it"):
        Ledger(stack.url("ledger", "ledger"), patience=0).check()


def test_passwords_of_every_role_and_of_the_superuser_are_rotated_on_the_server(stack: Stack, monkeypatch) -> None:
    server = stack.url("postgres", "nightshift")
    stack.server.execute("CREATE ROLE postgres LOGIN SUPERUSER")
    for name in ("airflow", "ledger_owner", "mlflow", "celery", "postgres"):
        rotate_and_tell(stack.secrets, name, token_bytes, server)
    ask_for_passwords(stack.server, [*ROLES, "postgres"])
    for file in ("airflow.pgpass", "migrate.pgpass", "mlflow.pgpass"):
        monkeypatch.setenv("PGPASSFILE", str(stack.secrets / file))
        for database, role in re.findall(r":(\w+):(\w+):", (stack.secrets / file).read_text()):
            psycopg2.connect(stack.url(database, role)).close()
    monkeypatch.delenv("PGPASSFILE")
    rotate_and_tell(stack.secrets, "ledger", token_bytes, stack.url("postgres", "postgres"))  # by its own file


def test_server_that_does_not_answer_changes_nothing(stack: Stack) -> None:
    before = read_texts(stack.secrets)
    with pytest.raises(UsageError, match=r"Postgres does not do what it is asked: .*\nNothing was changed"):
        rotate_and_tell(stack.secrets, "ledger", token_bytes, "postgresql://postgres@127.0.0.1:1/postgres")
    with pytest.raises(UsageError, match="jwt_secret is no role of Postgres"):
        rotate_and_tell(stack.secrets, "jwt_secret", token_bytes, "postgresql://postgres@127.0.0.1:1/postgres")
    assert read_texts(stack.secrets) == before
