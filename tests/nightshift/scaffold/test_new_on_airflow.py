"""From a file to a night that Airflow published, with nothing edited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightshift.embedded.tree import AirflowTree
from tests.nightshift.scaffold.tables import LAST, PER_NIGHT, write_visits
from tests.support.clone import make_clone

pytestmark = pytest.mark.airflow


def environment_of(root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
    return {**kept, "PYTHONPATH": f"{root}{os.pathsep}{root / 'plugins'}", "NIGHTSHIFT_HOME": str(root / ".nightshift")}


def nightshift(root: Path, *words: str) -> str:
    command = [sys.executable, "-c", "from nightshift.cli import main; main()", *words]
    done = subprocess.run(command, cwd=root, env=environment_of(root), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = make_clone(tmp_path / "house")
    for file in (root / "dags").glob("*.py"):
        file.unlink()
    words = ("--id", "patient", "--partition", "day", "--label", "outcome")
    nightshift(root, "new", "visits", "--data", str(write_visits(tmp_path)), *words)
    nightshift(root, "migrate")
    nightshift(root, "data", "visits")
    return root


@pytest.fixture
def tree(root: Path) -> Iterator[AirflowTree]:
    ours = environment_of(root)
    extra = {name: ours[name] for name in ("PYTHONPATH", "NIGHTSHIFT_HOME")}
    with AirflowTree(root / ".nightshift", root, extra=extra) as tree:
        assert tree.start().import_errors == ()
        yield tree


def test_a_new_pipeline_publishes_a_night_through_airflow(root: Path, tree: AirflowTree) -> None:
    assert {dag.dag_id for dag in tree.client.dags() if dag.paused} == {"visits_training", "visits_scoring"}
    for dag_id in ("visits_training", "visits_scoring"):
        tree.client.pause(dag_id, paused=False)
        tree.client.trigger(dag_id, partition_key=LAST, run_id="first")
        assert tree.client.wait_for_run(dag_id, "first", timeout=300).succeeded
    [night] = [night for night in json.loads(nightshift(root, "status", "visits", "--json")) if night["night"] == LAST]
    assert night["state"] == "published"
    assert night["rows_in"] == PER_NIGHT == night["rows_scored"] + night["rows_quarantined"]
