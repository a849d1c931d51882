"""A replay as people begin it: a night is delivered, run and published while its clock hurries on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightshift.embedded.client import AirflowClient
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.promises.values import Declaration
from tests.nightshift.embedded.trees import eventually, processes_of

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

SPEED = 2400.0


def nightshift(home: Path, *words: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
    path = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", "from nightshift.cli import main; main()", *words]
    environment = {**kept, "NIGHTSHIFT_HOME": str(home), "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def declare(home: Path) -> None:
    """Say what dags/flights.py declares, in case nobody reads it here."""
    declaration = Declaration(
        dag_id="flights_scoring",
        kind="scoring",
        pipeline="flights",
        owner="flight-science",
        file="flights.py",
        schedule="0 2 * * *",
        timezone="America/New_York",
        starts=datetime(2013, 1, 1, tzinfo=UTC).timestamp(),
        ends=datetime(2014, 1, 1, tzinfo=UTC).timestamp(),
        partitioned=True,
    )
    Observations(f"sqlite:///{home / 'ledger.db'}").declare([declaration.to_json()])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home in which a replay runs, five minutes before the rows of the next night come."""
    home = tmp_path_factory.mktemp("live") / "home"
    nightshift(home, "migrate")
    declare(home)
    try:
        nightshift(
            home, "up", "--live", "--speed", f"{SPEED:g}", "--at", "17:55", "--history", "1", "--port", free_port()
        )
        yield home
    finally:
        nightshift(home, "down")
        assert processes_of(home) == []


def published(home: Path) -> set[str]:
    return {
        night["night"] for night in json.loads(nightshift(home, "status", "flights", "--json")) if night["finished_at"]
    }


def test_a_night_is_delivered_started_and_published_once_though_the_driver_is_killed(home):
    replay = json.loads(nightshift(home, "live", "status", "--json"))
    history = published(home)
    assert len(history) == 1
    driver = json.loads((home / "airflow" / "state.json").read_text())["roles"]["replay"]["pid"]
    os.kill(driver, signal.SIGKILL)
    assert eventually(lambda: published(home) > history, 90)
    night = min(published(home) - history)
    assert replay["first"] <= night <= replay["last"]
    assert json.loads(nightshift(home, "live", "status", "--json"))["shows"] > replay["shows"]
    with AirflowClient(json.loads((home / "airflow" / "state.json").read_text())["url"]) as client:
        runs = [run.run_id for run in client.dag_runs("flights_scoring") if run.partition_key == night]
    assert runs == [f"live__{replay['name']}__{night}"]
