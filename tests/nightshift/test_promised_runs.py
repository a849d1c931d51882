"""Promises in a real Airflow: deadlines, clear, retry, backfill, `dag.test()`, and what the ledger is told meanwhile."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from nightshift.alerts.log_sink import sent_file
from nightshift.declarations import refresh_declarations
from nightshift.embedded.client import AirflowClient
from nightshift.embedded.records import backfill_range
from nightshift.embedded.tree import AirflowTree
from nightshift.watch.turn import judge_now
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.settings import Settings, read_settings
from tests.nightshift.embedded.trees import eventually

pytestmark = pytest.mark.airflow
ROOT = Path(__file__).resolve().parents[2]
DAGS = Path(__file__).with_name("promised_dags.txt")
UNFIT = '''"""A promise that does not fit."""
from airflow.sdk import DAG
from nightshift import promise
with DAG("unfit", schedule=None, deadline=promise(finish_by="06:00", timezone="Europe/Berlin")):
    pass
'''


@dataclass(frozen=True)
class House:
    """An Airflow with promises in its DAGs, and the ledger beside it."""

    tree: AirflowTree
    ledger: Observations
    settings: Settings

    @property
    def client(self) -> AirflowClient:
        return self.tree.client

    def rows(self, wanted: str, *values: str) -> list[tuple]:
        with closing(sqlite3.connect(self.tree.layout.database, timeout=30)) as database:
            return database.execute(wanted, values).fetchall()

    def callbacks(self) -> list[tuple]:
        return self.rows("SELECT state, output FROM callback ORDER BY created_at")

    def deadlines(self, dag_id: str) -> list[tuple]:
        return self.rows(
            "SELECT r.run_id, d.missed FROM deadline d JOIN dag_run r ON r.id = d.dagrun_id WHERE r.dag_id = ?", dag_id
        )

    def states(self, run_id: str) -> dict[tuple[str, int], str]:
        return {(task.task_id, task.map_index): task.state for task in self.ledger.tasks("promised", [run_id])}

    def told(self) -> list[tuple[str, str]]:
        """The messages that were sent, by the dry run: about which promise, and why."""
        file = sent_file(self.tree.layout.home)
        sent = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [(message["dag_id"], message["occasion"]) for message in sent]

    def let_go(self, run_id: str) -> None:
        folder = self.tree.layout.home / "go"
        folder.mkdir(exist_ok=True)
        (folder / run_id).touch()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[House]:
    root = tmp_path_factory.mktemp("promised")
    (root / "dags").mkdir()
    (root / "dags/promised.py").write_text(DAGS.read_text())
    (root / "dags/unfit.py").write_text(UNFIT)
    (root / "plugins").symlink_to(ROOT / "plugins")
    home = root / "home"
    home.mkdir()
    (home / "ledger.db").write_bytes(migrated_file.read_bytes())
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    with AirflowTree(home, root, extra={"PYTHONPATH": path}, parallelism=3) as tree:
        settings = read_settings({"NIGHTSHIFT_HOME": str(home)})
        observations = Observations(settings.ledger_url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NIGHTSHIFT_HOME", str(home))
            assert "promised" in refresh_declarations(settings, observations, folder=root / "dags")
        tree.start()
        yield House(tree, observations, settings)


@pytest.fixture(scope="module")
def late(house: House) -> House:
    """One run that missed its promise of a second, and went through."""
    house.client.trigger("promised", run_id="late")
    assert eventually(lambda: [state for state, _ in house.callbacks()] == ["success"], 30), house.callbacks()
    house.let_go("late")
    assert house.client.wait_for_run("promised", "late", timeout=40).succeeded
    return house


def test_promise_that_does_not_fit_its_dag_is_the_file_s_import_error(house: House) -> None:
    problems = house.client.import_errors()
    assert [problem.file for problem in problems] == ["unfit.py"], problems
    (problem,) = problems
    assert "finish_by needs a cron schedule" in problem.reason


def test_promises_are_shown_beside_the_dag(house: House) -> None:
    token = httpx.get(f"{house.tree.url}/auth/token", trust_env=False).json()["access_token"]
    answer = httpx.get(
        f"{house.tree.url}/ui/dags/promised_nights/deadlineAlerts",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )
    assert answer.status_code == 200
    assert "finished by 06:00 America/New_York" in answer.text


def test_missed_deadline_asks_the_judge_once(late: House) -> None:
    assert late.deadlines("promised") == [("late", 1)]
    ((state, output),) = late.callbacks()
    assert (state, "judged: late" in output) == ("success", True), output
    assert ("promised", "late") in late.told()


def test_ledger_was_told_of_the_run_and_of_each_task(late: House) -> None:
    assert eventually(lambda: ("passed_over", -1) in late.states("late"), 20)  # told last, when the run is over
    (run,) = late.ledger.runs("promised", since=0.0)
    assert (run.run_id, run.kind, run.partition_key) == ("late", "manual", None)
    assert run.started_at is not None
    assert run.ended_at is not None
    assert run.started_at < run.ended_at
    parts = {("part", number): "success" for number in range(3)}
    assert late.states("late") == {
        **parts,
        ("parts", -1): "success",
        ("second_try_goes_through", -1): "success",
        ("choose", -1): "success",
        ("taken", -1): "success",
        ("passed_over", -1): "skipped",
        ("waits", -1): "success",
    }
    (retried,) = [task for task in late.ledger.tasks("promised", ["late"]) if task.task_id == "second_try_goes_through"]
    assert retried.try_number == 2


def test_cleared_run_is_answered_and_alerts_no_second_time(late: House) -> None:
    once = late.told().count(("promised", "late"))
    late.client.clear("promised", "late", "taken")
    assert late.client.wait_for_run("promised", "late", timeout=40).succeeded
    whole = late.client._send("POST", "/dags/promised/dagRuns/late/clear", body={"dry_run": False})
    assert whole.status_code == 200, whole.text
    assert late.client.wait_for_run("promised", "late", timeout=40).succeeded
    assert late.deadlines("promised") == [("late", 1)]
    assert len(late.callbacks()) == 1
    judge_now(late.settings, "promised")
    assert late.told().count(("promised", "late")) == once
    assert not [occasion for _, occasion in late.told() if occasion.startswith("late-")]


def test_failed_run_with_a_pending_deadline_can_be_cleared(house: House) -> None:
    house.client.trigger("promised_slack", run_id="failed")
    assert house.client.wait_for_run("promised_slack", "failed", timeout=60).state == "failed"
    assert house.deadlines("promised_slack") == [("failed", 0)]
    answer = house.client._send("POST", "/dags/promised_slack/dagRuns/failed/clear", body={"dry_run": False})
    assert answer.status_code == 200, answer.text
    assert house.client.wait_for_run("promised_slack", "failed", timeout=60).state == "failed"
    assert house.deadlines("promised_slack") == [("failed", 0)]


def test_backfilled_nights_have_no_deadline(house: House) -> None:
    first, last = backfill_range(date(2013, 11, 2), date(2013, 11, 4), ZoneInfo("America/New_York"))
    house.client.create_backfill("promised_nights", first, last)
    runs = house.client.dag_runs("promised_nights", run_type="backfill")
    assert len(runs) == 3
    assert all(house.client.wait_for_run("promised_nights", run.run_id).succeeded for run in runs)
    assert house.deadlines("promised_nights") == []
    told = house.ledger.runs("promised_nights", since=0.0)
    assert {(run.kind, run.partition_key) for run in told if run.kind == "backfill"} == {
        ("backfill", f"2013-11-0{day}") for day in (2, 3, 4)
    }


@pytest.mark.usefixtures("late")
def test_dag_test_of_a_dag_with_promises_goes_through_and_is_told_to_nobody(house: House, tmp_path: Path) -> None:
    # On a copy of the database: a scheduler beside it would take the run for one of its own.
    with (
        closing(sqlite3.connect(house.tree.layout.database)) as here,
        closing(sqlite3.connect(tmp_path / "a.db")) as copy,
    ):
        here.backup(copy)
    before = house.ledger.runs("promised", since=0.0)
    command = [str(Path(sys.executable).with_name("airflow")), "dags", "test", "promised"]
    database = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/a.db"}
    environment = {**house.tree.environment, **database, "AT_A_DESK": "yes"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    with closing(sqlite3.connect(tmp_path / "a.db")) as copy:
        wanted = "SELECT run_id, state FROM dag_run WHERE triggering_user_name = 'dag_test'"
        ((run_id, state),) = copy.execute(wanted).fetchall()
        assert copy.execute("SELECT count(*) FROM callback").fetchall() == [(len(house.callbacks()),)]
    assert state == "success"
    assert house.ledger.runs("promised", since=0.0) == before
    assert house.ledger.tasks("promised", [run_id]) == []
