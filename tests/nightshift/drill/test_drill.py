"""The drill as a user runs it: some of its faults, and what it says when a part of Nightshift is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from nightshift.drill.course import choose
from nightshift.drill.faults import FAULTS
from pipelines.engine.errors import UsageError
from tests.support.schemas import answer_of

ROOT = Path(__file__).resolve().parents[3]
SOME = (
    "kill-between-commit-and-finish",
    "stopped-inside-publish",
    "clock-ahead",
    "disk-full",
    "s3-reply-lost",
    "tampered-model",
    "column-renamed",
    "late-rows-during-run",
)
"""One of each room; the others of a room share its code."""


def drill(home: Path, *words: str) -> tuple[int, str, str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
        "NIGHTSHIFT_HOME": str(home),
        "TMPDIR": str(home.parent),
    }
    command = [sys.executable, "-c", "from nightshift.cli import main; main()", "drill", *words]
    done = subprocess.run(command, cwd=home.parent, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def left_behind(folder: Path) -> list[str]:
    """Processes that were told of a folder, and folders of sandboxes in it."""
    told = [process.pid for process in psutil.process_iter() if str(folder) in " ".join(_environment_of(process))]
    return [*map(str, told), *map(str, folder.glob("nightshift-*"))]


def _environment_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.environ().values())
    except psutil.Error:
        return []


def only(*names: str) -> list[str]:
    return [word for name in names for word in ("--only", name)]


def test_faults_are_survived_with_no_row_lost_or_doubled_and_the_users_home_is_not_touched(tmp_path):
    code, said, log = drill(tmp_path / "home", *only(*SOME), "--json")
    results = answer_of("drill", said)["faults"]
    assert [result["name"] for result in results] == list(SOME)
    for result in results:
        assert result["survived"], result
        assert (result["rows_lost"], result["rows_doubled"], result["undecided"]) == (0, 0, 0)
        assert result["recovery_s"] > 0
    assert code == 0, log
    assert not list((tmp_path / "home").iterdir())
    assert not left_behind(tmp_path)


@pytest.mark.postgres
def test_faults_are_survived_with_the_ledger_on_postgres_and_the_table_on_s3(tmp_path):
    words = only("kill-inside-write", "ledger-restart", "stopped-before-finish")
    code, said, log = drill(tmp_path / "home", *words, "--ledger", "postgres", "--tables", "s3", "--json")
    assert all(result["survived"] for result in json.loads(said)["faults"]), said
    assert code == 0, log
    assert "Postgres crashed" in said


def test_broken_fences_are_noticed(tmp_path):
    sabotage = ["--sabotage", "publish-fence", "--sabotage", "finish-fence"]
    words = only("late-rows-during-run", "stopped-before-finish", "kill-inside-write")
    code, said, _ = drill(tmp_path / "home", *words, *sabotage, "--json")
    stale, twice, harmless = json.loads(said)["faults"]
    assert not stale["survived"]
    assert stale["rows_lost"] == 7
    assert not twice["survived"]
    assert "was finished 2 times" in "; ".join(twice["complaints"])
    assert harmless["survived"]  # no fence is needed where nobody else comes
    assert code == 1


def test_unknown_fault_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="Did you mean 'disk-full'"):
        choose(["disk-ful"])


def test_all_faults_have_names_of_their_own_and_there_are_enough():
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) >= 24


def test_list_names_every_fault_and_breaks_nothing(tmp_path):
    code, said, _ = drill(tmp_path / "home", "--list")
    assert code == 0
    assert all(fault.name in said for fault in FAULTS)
