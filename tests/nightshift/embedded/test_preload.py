from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest

from nightshift.preload import MODULES, TO_READ_DAGS, forks_tasks, install, modules_for, preload
from pipelines.engine.settings import REPOSITORY

AS_A_SCHEDULER = """
import gc, json, os, sys
import airflow
sys.argv = ["airflow", "scheduler"]
from nightshift.preload import MODULES, install

missing = set(MODULES) - set(install())
threads = [open(f"/proc/self/task/{number}/comm").read().strip() for number in os.listdir("/proc/self/task")]
gc.unfreeze()  # as Airflow does when it has forked


def private_mb():
    with open("/proc/self/smaps_rollup") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024


reading, writing = os.pipe()
if not os.fork():
    gc.collect()
    started = sorted(set(sys.modules) & {"mlflow", "great_expectations", "polars"})
    os.write(writing, json.dumps([gc.get_freeze_count(), private_mb(), started]).encode())
    os._exit(0)
told = json.loads(os.read(reading, 10_000))
left = {name for name in os.environ if "MALLOC" in name}
print(json.dumps([sorted(missing), threads, sorted(left), *told]))
"""


@pytest.mark.parametrize(
    ("arguments", "executor", "expected"),
    [
        (["airflow", "scheduler", "--skip-serve-logs"], "LocalExecutor", True),
        (["airflow", "scheduler"], "CeleryExecutor,LocalExecutor", True),
        (["airflow", "scheduler"], "CeleryExecutor", False),
        (["airflow", "scheduler"], "KubernetesExecutor", False),
        (["airflow", "celery", "worker", "-c", "2"], "CeleryExecutor", True),
        (["airflow", "celery", "flower"], "CeleryExecutor", False),
        (["airflow", "api-server"], "LocalExecutor", False),
        (["airflow", "dag-processor"], "LocalExecutor", False),
        (["airflow", "triggerer"], "LocalExecutor", False),
        (["nightshift", "watch"], "LocalExecutor", False),
        (["airflow"], "LocalExecutor", False),
        ([], "LocalExecutor", False),
    ],
)
def test_only_processes_that_fork_tasks_preload(arguments, executor, expected):
    assert forks_tasks(arguments, executor) is expected


def test_dag_processor_preloads_only_what_reads_dag_files():
    assert modules_for(["airflow", "dag-processor"], "LocalExecutor") == TO_READ_DAGS
    assert set(TO_READ_DAGS) - set(MODULES) == {"nightshift.warm_reading"}  # workers read DAG files, and serialize none
    assert modules_for(["airflow", "triggerer"], "LocalExecutor") == ()


READING = """
import json, sys
from pathlib import Path
from nightshift.preload import TO_READ_DAGS, preload

missing = set(TO_READ_DAGS) - set(preload(TO_READ_DAGS))
from airflow.dag_processing import processor
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

before = set(sys.modules)
folder = Path(sys.argv[1])
bag = DagBag(dag_folder=folder / "flights.py", bundle_path=folder, safe_mode=False)
sizes = [len(json.dumps(DagSerialization.to_dict(dag))) for dag in bag.dags.values()]
anew = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps([sorted(missing), len(sizes), sorted(anew), sorted(before)]))
"""


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    """What the DAG processor has imported, and what a process that it forks still imports."""
    home = str(tmp_path_factory.mktemp("reading"))
    path = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READING, str(REPOSITORY / "dags")],
        env={"PYTHONPATH": path, "HOME": home, "AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(("missing", "dags", "anew", "before"), json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_reading_dag_files_preloads_nothing_heavy(reading):
    heavy = {"mlflow", "great_expectations", "pandas", "numpy", "pyarrow", "sklearn", "lightgbm", "duckdb", "deltalake"}
    assert (reading["missing"], heavy & set(reading["before"])) == ([], set())


def test_nothing_but_the_pipeline_is_imported_to_read_and_serialize_a_file(reading):
    assert reading["dags"] == 2
    own = [name for name in reading["anew"] if not name.startswith("unusual_prefix_")]
    assert own == ["pipelines"]


def test_any_other_process_imports_nothing(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["airflow", "api-server"])
    assert install() == {}


def test_a_module_that_breaks_is_told_and_left_out(tmp_path, monkeypatch, caplog):
    (tmp_path / "breaks_at_import.py").write_text("raise OSError('no such library')")
    monkeypatch.syspath_prepend(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert list(preload(["not_there_at_all", "breaks_at_import", "json"])) == ["json"]
    assert "not_there_at_all is not preloaded" in caplog.text
    assert "no such library" in caplog.text


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """What a scheduler's preload left behind, and what a child that it forked later found."""
    home = tmp_path_factory.mktemp("preload")
    path = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", AS_A_SCHEDULER],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "HOME": str(home), "AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = ("missing", "threads", "left", "frozen", "private_mb", "loaded")
    return dict(zip(names, json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_every_module_in_the_list_can_be_imported(scheduler):
    assert scheduler["missing"] == []
    assert "data_checks.runner" in MODULES


def test_nothing_that_was_preloaded_has_begun_a_thread(scheduler):
    assert len(scheduler["threads"]) == 1, scheduler["threads"]
    assert scheduler["left"] == []


def test_children_share_what_was_preloaded_even_after_airflow_unfroze_it(scheduler):
    assert scheduler["loaded"] == ["great_expectations", "mlflow"]
    assert scheduler["frozen"] > 500_000
    assert scheduler["private_mb"] < 40
