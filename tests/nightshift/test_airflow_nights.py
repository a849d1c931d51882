"""Nights through real Airflow: scheduler, workers, retries and backfills, with the pipeline of the README."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from nightshift.embedded.client import AirflowClient
from nightshift.embedded.records import DagRun, backfill_range
from nightshift.embedded.tree import AirflowTree
from tests.support.clone import REPOSITORY, make_clone

pytestmark = pytest.mark.airflow
AS_OF = "2026-02-20"
SLOW_NIGHT = "2026-03-01"
SLOW_ROWS = 1_800_000
TRIALS = 4


class House:
    """A copy of the repository with a running Airflow."""

    def __init__(self, root: Path, client: AirflowClient) -> None:
        self.root = root
        self.home = root / ".nightshift"
        self.client = client

    @property
    def table(self) -> Path:
        return self.home / "tables/parcels/predictions"

    def nightshift(self, *words: str) -> str:
        return run_nightshift(self.root, *words)

    def nights(self) -> dict[str, dict]:
        return {night["night"]: night for night in json.loads(self.nightshift("status", "parcels", "--json"))}

    def run(self, dag_id: str, key: str | None, run_id: str) -> DagRun:
        self.client.trigger(dag_id, partition_key=key, run_id=run_id)
        return self.client.wait_for_run(dag_id, run_id, timeout=300)

    def log(
        self, run_id: str, task: str, *, dag_id: str = "parcels_scoring", map_index: int = -1, try_number: int = 1
    ) -> str:
        return self.client.task_log(dag_id, run_id, task, map_index=map_index, try_number=try_number)

    def rows_of(self, night: str) -> pa.Table:
        return DeltaTable(str(self.table)).to_pyarrow_table(filters=[("night", "=", night)])


def environment_of(root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
    return {**kept, "PYTHONPATH": f"{root}{os.pathsep}{root / 'plugins'}", "NIGHTSHIFT_HOME": str(root / ".nightshift")}


def run_nightshift(root: Path, *words: str) -> str:
    command = [sys.executable, "-c", "from nightshift.cli import main; main()", *words]
    done = subprocess.run(command, cwd=root, env=environment_of(root), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def declare_search(declaration: Path) -> None:
    """Give the pipeline of the README the search of the authoring guide, with fewer trials."""
    guide = (REPOSITORY / "docs/authoring.md").read_text()
    search = re.search(r"\n    search=Search\(.*?\n    \),\n", guide, re.DOTALL)
    assert search is not None
    fewer = search[0].replace("trials=20", f"trials={TRIALS}")
    text = declaration.read_text().replace('\n    slices=["depot"],\n', f'\n    slices=["depot"],{fewer}')
    line = "from pipelines.engine.search import FloatRange, IntRange, Search\n"
    declaration.write_text(text.replace("\n\n\ndef fit", f"\n{line}\n\ndef fit", 1))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = make_clone(tmp_path_factory.mktemp("house"))
    shutil.rmtree(root / ".nightshift", ignore_errors=True)
    (root / "dags/flights.py").unlink()
    declare_search(root / "pipelines/parcels/__init__.py")
    run_nightshift(root, "migrate")
    run_nightshift(root, "data", "parcels")
    ours = environment_of(root)
    extra = {name: ours[name] for name in ("PYTHONPATH", "NIGHTSHIFT_HOME")} | {"NIGHTSHIFT_LEASE_SECONDS": "10"}
    with AirflowTree(root / ".nightshift", root, extra=extra) as tree:
        ready = tree.start()
        assert ready.import_errors == ()
        yield House(root, tree.client)


@pytest.fixture(scope="module")
def champion(house: House) -> House:
    assert house.run("parcels_training", AS_OF, "training").succeeded
    return house


def test_run_without_a_partition_key_fails_with_a_sentence_and_is_not_retried(house: House) -> None:
    assert house.run("parcels_scoring", None, "without-key").state == "failed"
    assert "has no partition key" in house.log("without-key", "validate")
    [validate] = [t for t in house.client.task_instances("parcels_scoring", "without-key") if t.task_id == "validate"]
    assert validate.try_number == 1


def test_night_before_the_first_champion_says_what_to_do(house: House) -> None:
    if any(run.run_id == "training" for run in house.client.dag_runs("parcels_training")):
        pytest.fail("this test must come before the training")
    assert house.run("parcels_scoring", AS_OF, "no-champion").state == "failed"
    assert "has no champion yet" in house.log("no-champion", "plan")
    assert not house.table.exists() or DeltaTable(str(house.table)).file_uris() == []


def test_the_trials_of_a_search_are_mapped_tasks_and_the_best_one_is_trained(champion: House) -> None:
    ran = champion.client.task_instances("parcels_training", "training")
    assert {(task.map_index, task.state) for task in ran if task.task_id == "trial"} == {
        (number, "success") for number in range(TRIALS)
    }
    keys = json.loads(champion.nightshift("keys", "list", "parcels", "--night", AS_OF, "--json"))
    trials = [key for key in keys if key["step"] == "trial"]
    assert sorted(key["partition"] for key in trials) == [f"{AS_OF}#{number}" for number in range(TRIALS)]
    assert {key["fence"] for key in trials} == {1}
    [best], [trained] = ([key for key in keys if key["step"] == step] for step in ("best", "train"))
    assert sorted(best["result"]["trials"]) == sorted(key["key"] for key in trials)
    assert trained["result"]["search"]["params"] == best["result"]["params"]
    before = len(keys)
    shown = json.loads(champion.nightshift("search", "parcels", "--as-of", AS_OF, "--json"))
    assert shown["number"] == best["result"]["number"]
    assert len(json.loads(champion.nightshift("keys", "list", "parcels", "--night", AS_OF, "--json"))) == before


def test_backfill_publishes_exactly_its_nights(champion: House) -> None:
    zone = ZoneInfo("UTC")
    first, last = backfill_range(date(2026, 2, 20), date(2026, 2, 22), zone)
    number = champion.client.create_backfill("parcels_scoring", first, last, reprocess_behavior="completed")

    def ended() -> bool:
        runs = champion.client.dag_runs("parcels_scoring", run_type="backfill")
        return len(runs) == 3 and all(run.finished for run in runs)

    until(ended, 180)
    champion.client.close_backfill(number)
    published = {name for name, night in champion.nights().items() if night["state"] == "published"}
    assert published == {"2026-02-20", "2026-02-21", "2026-02-22"}
    for name in published:
        ids = champion.rows_of(name)["parcel_id"].to_pylist()
        assert len(ids) == len(set(ids)) == 400


def test_second_run_of_a_night_does_nothing_twice(champion: House) -> None:
    assert champion.run("parcels_scoring", "2026-02-23", "first").succeeded
    before = champion.nights()["2026-02-23"]
    assert champion.run("parcels_scoring", "2026-02-23", "second").succeeded
    assert champion.nights()["2026-02-23"] == before
    for task, index in (("validate", -1), ("plan", -1), ("score", 0), ("publish", -1), ("monitor", -1)):
        assert "already done" in champion.log("second", task, map_index=index)


def test_heavy_modules_come_from_the_preload(champion: House) -> None:
    assert champion.run("parcels_scoring", "2026-02-24", "preloaded").succeeded
    scheduler = (champion.home / "airflow/logs/scheduler.log").read_text()
    assert "is not preloaded" not in scheduler


def test_kill_in_the_middle_of_the_write_publishes_once(champion: House) -> None:
    rows = champion.home / f"data/parcels/rows/{SLOW_NIGHT}.parquet"
    pq.write_table(
        pa.table(
            {
                "parcel_id": [f"{SLOW_NIGHT}-{number:07}" for number in range(SLOW_ROWS)],
                "depot": pa.array(["north", "south", "harbour"] * (SLOW_ROWS // 3)),
                "kilometres": pa.array([float(number % 500) for number in range(SLOW_ROWS)]),
                "kilograms": pa.array([float(number % 60) for number in range(SLOW_ROWS)]),
            }
        ),
        rows,
    )
    before = DeltaTable(str(champion.table)).version()
    folder = champion.table / f"night={SLOW_NIGHT}"
    champion.client.trigger("parcels_scoring", partition_key=SLOW_NIGHT, run_id="killed")

    def growing() -> bool:
        return any(path.stat().st_size > 1_000_000 for path in folder.glob(".*.part"))

    until(growing)
    [part] = folder.glob(".*.part")
    victim = psutil.Process(int(part.name.split(".")[-2]))
    os.kill(victim.pid, signal.SIGKILL)
    until(lambda: not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE)
    assert list(folder.glob("*.parquet")) == []  # killed before the file was whole

    seen = set()
    while not (run := champion.client.dag_run("parcels_scoring", "killed")).finished:
        table = DeltaTable(str(champion.table))
        seen.add((table.version(), sum(SLOW_NIGHT in uri for uri in table.file_uris())))
        time.sleep(0.2)
    assert run.succeeded
    assert (before, 0) in seen  # the old version was readable meanwhile
    assert seen <= {(before, 0), (before + 1, 1)}
    [score] = [t for t in champion.client.task_instances("parcels_scoring", "killed") if t.task_id == "score"]
    assert score.try_number == 2
    night = champion.nights()[SLOW_NIGHT]
    assert (night["rows_in"], night["rows_scored"], night["delta_version"]) == (SLOW_ROWS, SLOW_ROWS, before + 1)
    ids = champion.rows_of(SLOW_NIGHT)["parcel_id"]
    assert len(ids.unique()) == len(ids) == SLOW_ROWS
