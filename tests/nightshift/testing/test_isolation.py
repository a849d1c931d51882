"""In memory means: no metadata database is opened, no socket is, and nothing heavy is imported for light work."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.dags.airflow_home import ROOT

ALONE = """
import json, os, socket, sys
from pathlib import Path

def refuse(*_, **__):
    raise AssertionError("a socket was opened")

for name in ("connect", "connect_ex", "bind", "sendto"):
    setattr(socket, "socket", type("Refusing", (socket.socket,), {name: refuse}))

from datetime import timedelta
from sqlalchemy import event
from sqlalchemy.pool import Pool

opened = []
event.listen(Pool, "connect", lambda connection, _: opened.append(connection.execute("PRAGMA database_list").fetchone()[2]))

from airflow import settings
from airflow.sdk import DAG, BaseOperator, task
from nightshift import ValidateOperator
from nightshift.testing import House, run_dag, run_operator

class Flaky(BaseOperator):
    def execute(self, context):
        if context["ti"].try_number < 2:
            raise ValueError("once")
        return context["partition_key"]

with DAG("alone", schedule=None) as dag:

    @task
    def numbers():
        return [1, 2, 3]

    @task
    def double(number):
        return 2 * number

    Flaky(task_id="flaky", retries=1, retry_delay=timedelta(hours=1)) >> double.expand(number=numbers())

session = settings.Session
with House(Path(sys.argv[1]) / "house"):
    ran = run_dag(dag, partition_key="2013-11-19").succeeded()
    failed = run_operator(ValidateOperator(task_id="validate", pipeline="flights"), partition_key="2013-11-19")

heavy = ("mlflow", "great_expectations", "lightgbm", "sklearn")
print(json.dumps({
    "states": ran.states,
    "error": type(failed.error).__name__,
    "session": settings.Session is session and not settings.Session.registry.has(),
    "opened": sorted({Path(file).name for file in opened}),
    "heavy": [name for name in heavy if name in sys.modules],
    "databases": [str(path) for path in Path(os.environ["AIRFLOW_HOME"]).rglob("*.db")],
}))
"""


def test_neither_a_database_nor_the_network_is_touched(tmp_path):
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow/must-not-be.db",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    }
    command = [sys.executable, "-c", ALONE, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["states"] == {"flaky": "success", "numbers": "success", "double": "success"}
    assert found["error"] == "RowsMissing"
    assert found["databases"] == []
    assert found["session"]
    assert found["opened"] == ["ledger.db"]
    assert found["heavy"] == []


def test_the_fixture_gives_airflow_a_home_of_its_own_with_one_line(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["nightshift.testing.fixtures"]\n')
    (tmp_path / "test_mine.py").write_text(
        "import os\n"
        "def test_mine(house):\n"
        "    assert 'airflow-of-tests-' in os.environ['AIRFLOW_HOME']\n"
        "    assert house.ledger.entries() == []\n"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "HOME": str(tmp_path / "nobody"),
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir=.",
        "test_mine.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert not (tmp_path / "nobody").exists()
