"""The demonstration, as a newcomer runs it: once, and once more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.airflow


def nightshift(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
    command = [sys.executable, "-c", "from nightshift.cli import main; main()", *words]
    environment = {**kept, "NIGHTSHIFT_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def processes_of(home: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("NIGHTSHIFT_HOME") == str(home):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def test_demonstration_scores_a_week_and_does_nothing_twice(tmp_path: Path) -> None:
    first = nightshift(tmp_path, "demo")
    assert "Champion: flights version 1" in first.stdout
    assert "Run it again: nothing will be done twice" in first.stdout
    assert "already done" not in first.stderr
    nights = json.loads(nightshift(tmp_path, "status", "flights", "--json").stdout)
    assert [night["night"] for night in nights] == [f"2013-11-0{day}" for day in range(1, 8)]
    for night in nights:
        assert night["state"] == "published"
        assert night["rows_in"] == night["rows_scored"] + night["rows_quarantined"] > 0
    assert processes_of(tmp_path) == []

    again = nightshift(tmp_path, "demo")
    assert "0 keys claimed anew" in again.stdout
    assert again.stderr.count("already done") == 5 + 7 * 5
    assert json.loads(nightshift(tmp_path, "status", "flights", "--json").stdout) == nights
    assert processes_of(tmp_path) == []
