"""Faults that need a real Airflow, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nightshift.embedded.trees import processes_of

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).resolve().parents[3]
FAULTS = ("airflow-orphan-overtaken", "tree-killed")
"""The worst that a dying supervisor can do, and a machine that lost its power. The others take the same ways."""


def test_faults_of_a_real_airflow_are_survived_and_no_process_is_left(tmp_path):
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    environment["NIGHTSHIFT_HOME"] = str(tmp_path / "home")
    command = [sys.executable, "-c", "from nightshift.cli import main; main()", "drill", "--json"]
    command += ["--keep", str(tmp_path / "sandbox"), *(word for name in FAULTS for word in ("--only", name))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    results = json.loads(done.stdout)["faults"]
    assert [result["name"] for result in results] == list(FAULTS)
    for result in results:
        assert result["survived"], result
        assert (result["rows_lost"], result["rows_doubled"], result["undecided"]) == (0, 0, 0)
    assert done.returncode == 0, done.stderr
    assert processes_of(tmp_path / "sandbox") == []
