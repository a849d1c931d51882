"""The home is its owner's alone, whatever the shell that made it thinks of modes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipelines.engine.home import (
    open_home,
    open_to_everybody,
    private_file,
    private_folder,
    replace_json_privately,
    write_privately,
)
from pipelines.engine.runtime import open_runtime
from pipelines.engine.settings import read_settings
from tests.pipelines.engine.steps.places import ROOT

UMASKS = [0o000, 0o022, 0o077]
MAKE_EVERYTHING = """
import os, sys
os.umask(int(sys.argv[1], 8))
from click.testing import CliRunner
from nightshift.cli import cli
answer = CliRunner().invoke(cli, ["migrate"])
assert answer.exit_code == 0, answer.output

from pathlib import Path
from model_registry import NoSuchModel
from nightshift.embedded.state import Ownership
from nightshift.embedded.tree import AirflowTree
from pipelines.engine.keys import TaskKey
from pipelines.engine.run_once import run_once
from pipelines.engine.runtime import open_runtime
runtime = open_runtime()
run_once(runtime.ledger, TaskKey(pipeline="tides", step="x", partition="y"), lambda hold: {})
try:
    runtime.registry.versions("tides")
except NoSuchModel:
    pass
with AirflowTree(runtime.settings.home, Path(sys.argv[2])) as tree:
    tree.initialise()
    for path in sorted(runtime.settings.home.rglob("*")):
        print(f"{path.lstat().st_mode:o}", path.relative_to(runtime.settings.home))
"""


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def reachable():
    """A folder that everybody can reach; those of pytest are closed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_folder_and_those_above_it_are_made_for_the_owner_alone(umask, tmp_path):
    folder = private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(each) for each in (folder, *folder.parents[:2])] == [0o700] * 3


def test_existing_folder_stays_as_it_is(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o2770)
    private_folder(tmp_path / "shared" / "home")
    assert private_folder(tmp_path / "shared").is_dir()
    assert mode(tmp_path / "shared") == 0o2770
    assert mode(tmp_path / "shared" / "home") & 0o777 == 0o700


def test_files_are_made_for_the_owner_alone_and_keep_what_is_in_them(umask, tmp_path):
    path = private_file(tmp_path / "ledger.db")
    path.write_text("kept")
    assert private_file(path).read_text() == "kept"
    assert mode(path) == 0o600


def test_file_that_was_open_is_closed_before_it_is_written_anew(umask, tmp_path):
    path = tmp_path / "airflow.cfg"
    path.write_text("old, and longer than the new")
    path.chmod(0o644)
    with write_privately(path) as file:
        assert (mode(path), path.read_text()) == (0o600, "")
        file.write("new")
    assert path.read_text() == "new"


def test_home_that_is_made_says_nothing(reachable, caplog):
    open_home(reachable / "new" / "home")
    assert mode(reachable / "new" / "home") == 0o700
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0o755, "may list and enter"),
        (0o711, "may enter"),
        (0o777, "may write to and list and enter"),
        (0o750, ""),
        (0o2770, ""),
        (0o700, ""),
    ],
)
def test_existing_home_is_left_open_and_what_everybody_can_do_is_said(reachable, caplog, given, said):
    home = reachable / "my home"
    home.mkdir()
    home.chmod(given)
    open_home(home)
    assert mode(home) == given
    assert said in caplog.text
    assert bool(caplog.text) == bool(said)
    assert not said or f"chmod 700 '{home}'" in caplog.text


def test_home_that_nobody_else_can_reach_says_nothing(reachable):
    home = reachable / "closed" / "home"
    home.mkdir(parents=True)
    home.chmod(0o777)
    assert open_to_everybody(home)
    home.parent.chmod(0o700)
    assert open_to_everybody(home) == ""


def test_home_that_cannot_be_made_is_left_to_whoever_needs_it(tmp_path):
    (tmp_path / "file").write_text("")
    open_home(tmp_path / "file" / "home")


def test_first_task_of_a_machine_makes_the_home_for_its_owner_alone(umask, tmp_path, sqlite_ledger_url):
    """With a ledger elsewhere, a task of an Airflow of one's own is the first to come."""
    open_runtime(read_settings({"NIGHTSHIFT_HOME": str(tmp_path / "home"), "NIGHTSHIFT_LEDGER_URL": sqlite_ledger_url}))
    assert mode(tmp_path / "home") == 0o700


@pytest.mark.parametrize("given", ["000", "022"])
def test_nothing_of_a_new_home_is_open_to_others(tmp_path, given):
    """Through the command line, the registry and the embedded Airflow, each of which may be the first to come."""
    home = tmp_path / "home"
    (tmp_path / "clone/dags").mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT", "AIRFLOW"))}
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    done = subprocess.run(
        [sys.executable, "-c", MAKE_EVERYTHING, given, str(tmp_path / "clone")],
        env={**environment, "NIGHTSHIFT_HOME": str(home), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    modes = {name: int(number, 8) for number, name in (line.split(" ", 1) for line in done.stdout.splitlines())}
    assert mode(home) == 0o700
    folders = {name: stat.S_IMODE(found) for name, found in modes.items() if stat.S_ISDIR(found)}
    assert folders.keys() >= {"airflow", "airflow/logs", "airflow/config", "mlflow"}
    assert {name: found for name, found in folders.items() if name.count("/") < 2 and found != 0o700} == {}
    private = {"ledger.db", "mlflow/mlflow.db", "airflow/airflow.db", "airflow/airflow.cfg", "airflow/secrets.json"}
    private |= {"airflow/state.json", "airflow/config/airflow_local_settings.py", "airflow/logs/migrate.log"}
    assert modes.keys() >= private
    beside = {name for name in modes if name.endswith(("-wal", "-shm", ".lock"))}
    assert {name: oct(modes[name]) for name in private | beside if stat.S_IMODE(modes[name]) != 0o600} == {}


def test_json_file_is_replaced_whole_and_private(tmp_path):
    file = tmp_path / "state.json"
    file.write_text("old")
    replace_json_privately(file, {"night": "2026-11-20"})
    assert json.loads(file.read_text()) == {"night": "2026-11-20"}
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_json_file_that_cannot_be_written_keeps_what_it_had(tmp_path):
    file = tmp_path / "state.json"
    file.write_text("old")
    with pytest.raises(TypeError):
        replace_json_privately(file, {"night": object()})
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"]
