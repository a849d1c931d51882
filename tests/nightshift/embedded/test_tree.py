"""The tree, started for real: what it runs, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest

from nightshift.embedded import background
from nightshift.embedded.errors import AlreadyRunning, ApiError, NotThere, PortTaken, StartFailed, WaitedTooLong
from nightshift.embedded.mending import MOST_RESTARTS
from nightshift.embedded.migration import is_migrated
from nightshift.embedded.records import backfill_range
from nightshift.embedded.state import read_state
from nightshift.embedded.tree import AirflowTree
from tests.nightshift.embedded.trees import CANARY, eventually, make_repository, processes_of

pytestmark = pytest.mark.airflow

NEW_YORK = ZoneInfo("America/New_York")
FOREGROUND = """
import sys
from pathlib import Path
from nightshift.embedded.tree import AirflowTree
with AirflowTree(Path(sys.argv[1]), Path(sys.argv[2])) as tree:
    tree.start()
    tree.client.trigger("toy_slow", run_id="slow")
    print("up", flush=True)
    import time; time.sleep(600)
"""


class TestAStartedTree:
    def test_it_read_the_dags_and_told_the_broken_file_in_words(self, started):
        assert started.ready.dag_ids == ("toy_heavy", "toy_night", "toy_slow")
        assert [problem.file for problem in started.ready.import_errors] == ["broken.py"]
        assert any("broken.py cannot be imported: ModuleNotFoundError" in line for line in started.told)
        assert started.told[-1] == "healthy"

    def test_a_partition_run_ends_and_its_task_knows_the_night(self, started):
        client = started.tree.client
        run = client.trigger("toy_night", partition_key="2013-05-05", run_id="night-2013-05-05")
        assert run.created
        assert client.wait_for_run("toy_night", run.run_id).succeeded
        assert "the night is 2013-05-05" in client.task_log("toy_night", run.run_id, "tell_the_night")
        assert [task.state for task in client.task_instances("toy_night", run.run_id)] == ["success"]

    def test_asking_for_a_run_twice_gives_the_same_run(self, started):
        client = started.tree.client
        first = client.trigger("toy_night", partition_key="2013-06-06", run_id="night-2013-06-06")
        again = client.trigger("toy_night", partition_key="2013-06-06", run_id="night-2013-06-06")
        assert (first.created, again.created) == (True, False)
        assert again.run_id == first.run_id

    def test_a_backfill_runs_exactly_its_nights(self, started):
        client = started.tree.client
        client.create_backfill("toy_night", *backfill_range(date(2013, 11, 2), date(2013, 11, 4), NEW_YORK))
        runs = client.dag_runs("toy_night", run_type="backfill")
        assert sorted(run.partition_key for run in runs) == ["2013-11-02", "2013-11-03", "2013-11-04"]
        assert all(client.wait_for_run("toy_night", run.run_id).succeeded for run in runs)

    def test_a_dag_of_the_past_starts_no_run_by_itself(self, started):
        assert started.tree.client.dag_runs("toy_night", run_type="scheduled") == []

    def test_a_forked_task_uses_the_preloaded_libraries_without_hanging(self, started):
        client, home = started.tree.client, started.tree.layout.home
        client.trigger("toy_heavy", run_id="heavy")
        assert client.wait_for_run("toy_heavy", "heavy", timeout=120).succeeded
        for part in (1, 2, 3):
            preloaded, by_duckdb, by_delta = json.loads((home / f"heavy-{part}.json").read_text())
            assert preloaded == ["great_expectations", "mlflow", "lightgbm"]
            assert (by_duckdb, by_delta) == (20_000, 20_000)

    def test_only_the_scheduler_holds_the_heavy_libraries(self, started):
        holders = {title for title, libraries in roles_and_libraries(started.tree) if "lib_lightgbm" in libraries}
        assert holders == {"scheduler"}

    def test_a_wrong_night_is_refused_with_airflows_reason(self, started):
        with pytest.raises(ApiError, match=r"does not match the timetable's key_format"):
            started.tree.client.trigger("toy_night", partition_key="5 May")

    def test_an_unknown_dag_is_told_with_the_nearest_name(self, started):
        with pytest.raises(NotThere, match="Did you mean toy_night"):
            started.tree.client.trigger("toy_nigth")

    def test_a_run_that_does_not_end_in_time_is_told_with_its_tasks(self, started):
        client = started.tree.client
        client.pause("toy_slow")
        client.trigger("toy_slow", run_id="slow")
        with pytest.raises(WaitedTooLong, match=r"(?s)still queued.*sleep_long: waiting"):
            client.wait_for_run("toy_slow", "slow", timeout=1)

    def test_it_listens_on_loopback_alone(self, started):
        pids = {process.pid for process in psutil.Process().children(recursive=True)}
        listening = [c.laddr for c in psutil.net_connections("inet") if c.status == "LISTEN" and c.pid in pids]
        assert {address.ip for address in listening} == {"127.0.0.1"}

    def test_no_secret_is_on_a_command_line_and_the_files_are_private(self, started):
        layout = started.tree.layout
        words = " ".join(word for child in psutil.Process().children(recursive=True) for word in child.cmdline())
        assert not [key for key in json.loads(layout.secrets.read_text()).values() if key in words]
        assert CANARY not in words
        private = (layout.secrets, layout.configuration, layout.database, layout.state, layout.role_log("scheduler"))
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
        beside = layout.airflow_home.glob("airflow.db-*")
        assert {stat.S_IMODE(path.stat().st_mode) for path in beside} <= {0o600}

    def test_task_logs_are_the_owners_alone_and_no_file_tells_a_connection_s_secret(self, started):
        client, home = started.tree.client, started.tree.layout.home
        run = client.trigger("toy_night", partition_key="2013-07-07", run_id="night-2013-07-07")
        assert client.wait_for_run("toy_night", run.run_id).succeeded
        logs = started.tree.layout.logs.rglob("dag_id=toy_night/**/*.log")
        assert {stat.S_IMODE(path.stat().st_mode) for path in logs} == {0o600}
        files = [path for path in home.rglob("*") if path.is_file()]
        assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
        assert not [line for line in started.told if CANARY in line]

    def test_an_airflow_command_typed_by_hand_finds_this_tree(self, started):
        airflow_home = str(started.tree.layout.airflow_home)
        environment = os.environ | {"AIRFLOW_HOME": airflow_home, "PYTHONPATH": started.tree.environment["PYTHONPATH"]}
        command = [str(Path(sys.executable).with_name("airflow")), "dags", "list", "-o", "json"]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        assert {dag["dag_id"] for dag in json.loads(said.splitlines()[-1])} == set(started.ready.dag_ids)

    def test_a_second_tree_of_this_home_is_refused(self, started):
        layout = started.tree.layout
        with pytest.raises(AlreadyRunning, match=started.tree.url):
            AirflowTree(layout.home, layout.repository).start()
        assert background.up(layout.home, layout.repository).already

    def test_a_taken_port_is_refused_before_anything_starts(self, started, tmp_path):
        port = int(started.tree.url.rsplit(":", 1)[1])
        with pytest.raises(PortTaken, match="taken by"):
            AirflowTree(tmp_path / "home", tmp_path, port=port).start()
        with pytest.raises(PortTaken):
            background.up(tmp_path / "home", tmp_path, port=port)
        assert processes_of(tmp_path) == []

    def test_the_database_is_known_to_be_migrated(self, started):
        assert is_migrated(started.tree.layout)


def roles_and_libraries(tree: AirflowTree) -> list[tuple[str, str]]:
    """Role and names of the mapped files of its process."""
    state = json.loads(tree.layout.state.read_text())
    maps = {role: psutil.Process(identity["pid"]).memory_maps() for role, identity in state["roles"].items()}
    return [(role, " ".join(mapped.path for mapped in mapped_files)) for role, mapped_files in maps.items()]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home and its repository, shared so that the database is made once."""
    root = tmp_path_factory.mktemp("ends")
    return root / "home", make_repository(root / "repository")


class TestEnds:
    """Each way in which a tree ends leaves no process."""

    def test_ctrl_c_stops_a_tree_in_the_foreground_with_its_running_task(self, place):
        home, repository = place
        owner = self.in_foreground(home, repository)
        assert eventually((home / "asleep").exists)
        owner.send_signal(signal.SIGINT)
        owner.wait(60)
        assert processes_of(home) == []
        assert background.running(home, repository) is None

    def test_kill_9_of_the_owner_ends_everything_at_once(self, place):
        home, repository = place
        (home / "asleep").unlink(missing_ok=True)
        running = background.up(home, repository)
        with self.client(running.url) as client:
            client.trigger("toy_slow", run_id="slow-2")
        assert eventually((home / "asleep").exists)
        os.kill(running.pid, signal.SIGKILL)
        assert eventually(lambda: processes_of(home) == [], 10), processes_of(home)
        assert background.running(home, repository) is None

    def test_up_again_after_kill_9_and_down_twice(self, place):
        home, repository = place
        told: list[str] = []
        first = background.up(home, repository, on_progress=told.append)
        assert not first.already
        assert "starting the api-server" in told
        assert "making Airflow's database" not in told
        assert background.up(home, repository).already
        assert background.down(home, repository).was_running
        assert processes_of(home) == []
        assert not background.down(home, repository).was_running

    def test_a_scheduler_that_was_killed_comes_back_and_one_that_keeps_dying_ends_the_tree(self, place):
        home, repository = place
        running = background.up(home, repository)
        victim = self.kill_scheduler(home, 0)
        with self.client(running.url) as client:
            run = client.trigger("toy_night", partition_key="2013-05-05", run_id="after-the-kill")
            assert client.wait_for_run("toy_night", run.run_id, timeout=120).succeeded
        assert background.running(home, repository) is not None
        assert read_state(home / "airflow" / "state.json").restarts == {"scheduler": 1}
        for _ in range(MOST_RESTARTS):
            victim = self.kill_scheduler(home, victim)
        assert eventually(lambda: background.running(home, repository) is None)
        assert eventually(lambda: not psutil.pid_exists(running.pid) or processes_of(home) == [])
        left = read_state(home / "airflow" / "state.json")
        assert "scheduler ended by signal 9" in left.error
        assert "It was started anew 3 times, and died each time." in left.error
        assert processes_of(home) == []

    def kill_scheduler(self, home: Path, last: int) -> int:
        """Kill the scheduler that came after the last one; return which that was."""

        def pid() -> int:
            state = read_state(home / "airflow" / "state.json")
            return state.roles["scheduler"].pid

        assert eventually(lambda: pid() != last)
        victim = pid()
        os.kill(victim, signal.SIGKILL)
        return victim

    def test_a_damaged_database_is_told_from_the_log_of_the_process_that_met_it(self, place):
        home, repository = place
        (home / "airflow" / "airflow.db").write_bytes(b"this is no database" * 1000)
        for beside in ("airflow.db-wal", "airflow.db-shm"):
            (home / "airflow" / beside).unlink(missing_ok=True)
        with pytest.raises(StartFailed, match=r"(?s)database migration ended.*migrate\.log.*database is damaged"):
            background.up(home, repository)
        assert processes_of(home) == []

    def in_foreground(self, home: Path, repository: Path) -> subprocess.Popen[str]:
        path = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, "-c", FOREGROUND, str(home), str(repository)]
        environment = os.environ | {"PYTHONPATH": path}
        owner = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        owner.stdout.close()
        return owner

    def client(self, url: str):
        from nightshift.embedded.client import AirflowClient

        return AirflowClient(url)
