"""One Airflow API server with FAB, on PostgreSQL with a password, for all tests of this folder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from nightshift.drill.servers.guarded import free_port
from pipelines.engine.incidents.message import Context
from pipelines.engine.incidents.store import Incidents
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.promises.verdicts import Verdict
from tests.nightshift.roles import served
from tests.pipelines.engine.promises.nights import DAG, declared
from tests.pipelines.engine.steps.places import ROOT, Place, fresh_home, moved_home, trained_home
from tests.support.roles import role_with_password

__all__ = ["fresh_home", "moved_home", "trained_home"]

LOGINS = {name: f"password-of-{name}" for name in ("admin", "operator", "author", "viewer")}
DATABASE_PASSWORD = "password-of-the-database"
START_SECONDS = 180.0


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        url: Its address.
        place: What its pages look at.
        incident: An open one there.
        said: What the two `nightshift roles sync` printed.
        log: Where it writes.
    """

    url: str
    place: Place
    incident: str
    said: str
    log: Path

    def client(self, name: str | None = None, password: str | None = None) -> httpx.Client:
        """A program that has logged in, or, without a name, has not."""
        headers = {"Accept": "application/json"}
        if name:
            credentials = {"username": name, "password": password or LOGINS[name]}
            answer = httpx.post(f"{self.url}/auth/token", json=credentials, timeout=60.0, trust_env=False)
            headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0, trust_env=False)


@pytest.fixture(scope="session")
def airflow_served(tmp_path_factory, postgres, moved_home) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("fab")
    place = moved_home.copied_to(folder / "home")
    incident = _incident(place)
    logins = folder / "logins.json"
    logins.write_text(json.dumps(LOGINS))
    with role_with_password(postgres, "airflow", DATABASE_PASSWORD):
        postgres.create(name="airflow")
        postgres.execute("ALTER DATABASE airflow OWNER TO airflow")
        environment = _environment(folder, place, f"postgresql+psycopg2://airflow@127.0.0.1:{postgres.port}/airflow")
        program = [sys.executable, served.__file__]
        ready = subprocess.run([*program, "prepare", str(logins)], env=environment, capture_output=True, text=True)
        assert ready.returncode == 0, ready.stdout + ready.stderr
        port, log = free_port(), folder / "server.log"
        with log.open("w") as output:
            process = subprocess.Popen([*program, str(port)], env=environment, stdout=output, stderr=output)
            try:
                _wait(f"http://127.0.0.1:{port}", process, log)
                yield Served(f"http://127.0.0.1:{port}", place, incident, ready.stdout, log)
            finally:
                process.kill()
                process.wait()
        postgres.drop("airflow")


def _incident(place: Place) -> str:
    Observations(place.settings.ledger_url).declare([declared().to_json()])
    verdict = Verdict(f"{DAG}/succeed", DAG, "2026-11-19", "failed", "failed")
    [change] = Incidents(place.settings.ledger_url).settle(
        [verdict], owner_of=lambda _: "tide-science", routes_for=lambda _: [], context=lambda _: Context()
    )
    return change.after.id


def _environment(folder: Path, place: Place, database: str) -> dict[str, str]:
    passwords = folder / "airflow.pgpass"
    passwords.write_text(f"*:*:airflow:airflow:{DATABASE_PASSWORD}\n")
    passwords.chmod(0o600)
    (folder / "dags").mkdir()
    (folder / "dags/tides.py").write_text(served.DAG_FILE)
    settings = {
        "CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "CORE__DAGS_FOLDER": str(folder / "dags"),
        "CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "DATABASE__SQL_ALCHEMY_CONN": database,
        "DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "API__SECRET_KEY": "of-tests-" * 16,
        "API_AUTH__JWT_SECRET": "of-tests-" * 16,
    }
    kept = {name: value for name, value in place.environment().items() if not name.startswith("AIRFLOW")}
    ours = {f"AIRFLOW__{name}": value for name, value in settings.items()}
    return {**kept, **ours, "AIRFLOW_HOME": str(folder / "airflow"), "PGPASSFILE": str(passwords)}


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/api/v2/monitor/health", trust_env=False).is_success:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-5000:])
