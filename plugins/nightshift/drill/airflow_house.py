"""An Airflow for the sandbox: the embedded one, whole, with tasks that can be aimed.

It is started for the first fault that asks for it and stays for the next: what Airflow remembers lies beside the
sandbox's home, and each fault takes a night of its own. Only the DAG file knows of the drill (`dag_file.py`).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psutil

import nightshift
from nightshift.drill import jobs, orders
from nightshift.drill.aim import Aim, leave, sign
from nightshift.drill.errors import DrillFailed
from pipelines.engine.settings import REPOSITORY

if TYPE_CHECKING:
    from nightshift.drill.sandbox import Sandbox
    from nightshift.drill.workers import Worker
    from nightshift.embedded.client import AirflowClient
    from nightshift.embedded.records import DagRun, TaskInstance

DAG_ID = f"{jobs.PIPELINE}_scoring"
DAG_FILE = Path(__file__).with_name("dag_file.py")
TIMEZONE = ZoneInfo("America/New_York")
PARALLELISM = 3
START_SECONDS = 240.0
PATIENCE_SECONDS = 180.0
POLL_SECONDS = 0.1
SETTINGS = {
    # A supervisor that was killed is noticed after ten seconds, not thirty.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}


class Airflow:
    """The sandbox's Airflow.

    Args:
        sandbox: Whose it is; its home stays free of anything of Airflow's.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._home = sandbox.root / "airflow-house"
        self._repository = sandbox.root / "repository"
        self._signs = sandbox.root / "signs"
        self._owner: Worker | None = None
        self._client: AirflowClient | None = None
        self._numbers = itertools.count(1)
        self._hit: list[Hit] = []

    @property
    def client(self) -> AirflowClient:
        """Its REST API.

        Raises:
            DrillFailed: It does not run.
        """
        if self._client is None:
            raise DrillFailed("the sandbox's Airflow does not run")
        return self._client

    def start(self) -> None:
        """Start it, unless it runs; return when it is healthy and has read the DAG.

        Raises:
            DrillFailed: It does not become healthy.
        """
        from nightshift.embedded.client import AirflowClient

        if self._client is not None:
            return
        self._make_repository()
        arguments = (str(self._home), str(self._repository), self._extra(), PARALLELISM)
        self._owner = self._sandbox.employ(jobs.own_airflow, *arguments)
        self.until(lambda: self._url() is not None, "Airflow did not become healthy", START_SECONDS)
        self._client = AirflowClient(str(self._url()))

    def kill(self) -> int:
        """SIGKILL every process of it at once: scheduler, workers, tasks, servers, and the one that owns them all.

        Returns:
            How many there were.
        """
        from nightshift.embedded.layout import Layout
        from nightshift.embedded.processes import members
        from nightshift.embedded.state import read_state

        state = read_state(Layout(self._home, self._repository).state)
        if state is None or self._owner is None:
            raise DrillFailed("the sandbox's Airflow does not run, so it cannot be killed")
        victims = [psutil.Process(self._owner.pid), *members(state.sessions(), state.tree)]
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        psutil.wait_procs(victims, timeout=10.0)
        self._forget()
        return len(victims)

    def end(self) -> None:
        """Make sure that nothing of it is left.

        Raises:
            StopFailed: A process cannot be ended.
        """
        from nightshift.embedded import background

        self._forget()
        for hit in self._hit:
            hit.end()
        self._hit.clear()
        if self._home.exists():
            background.down(self._home, self._repository)

    def settle(self) -> None:
        """Be ready for another fault: if the last one left work undone, end it all rather than let it disturb the next."""
        import shutil

        if self._client is not None and self._is_idle(self._client):
            self._hit.clear()
            return
        self.end()
        shutil.rmtree(self._home, ignore_errors=True)

    def _is_idle(self, client: AirflowClient) -> bool:
        from nightshift.embedded.errors import ApiError

        try:
            return all(run.finished for run in client.dag_runs(DAG_ID)) and not any(hit.lives for hit in self._hit)
        except ApiError:
            return False

    def aim(self, aim: Aim) -> Hit:
        """Let the first task that comes to a moment die or stand still there; earlier aims are forgotten."""
        folder = self._signs / str(next(self._numbers))
        folder.mkdir(parents=True)
        orders.give(self._orders, orders.Orders(folder, [aim], self._sandbox.sabotage))
        hit = Hit(self, folder, aim)
        self._hit.append(hit)
        return hit

    def trigger(self, night: str) -> str:
        """Ask for a run of a night, as somebody in the UI does; return its id."""
        return self.client.trigger(DAG_ID, partition_key=night, run_id=f"drill-{night}").run_id

    def backfill(self, night: str) -> str:
        """Ask for a backfill of a night; return the id of its run.

        Raises:
            DrillFailed: Airflow made no run of it.
        """
        from nightshift.embedded.records import backfill_range

        day = date.fromisoformat(night)
        self.client.create_backfill(DAG_ID, *backfill_range(day, day, TIMEZONE), reprocess_behavior="completed")
        runs = self.client.dag_runs(DAG_ID, run_type="backfill")
        made = [run.run_id for run in runs if run.partition_key == night]
        if not made:
            raise DrillFailed(f"Airflow made no backfill run of night {night}")
        return made[0]

    def clear(self, run_id: str, task_id: str) -> None:
        """Clear a task and what follows it, as somebody in the UI does."""
        self.client.clear(DAG_ID, run_id, task_id)

    def task(self, run_id: str, task_id: str) -> TaskInstance:
        """Return how a task stands; of a mapped one, its first instance.

        Raises:
            DrillFailed: There is none.
        """
        for found in self.client.task_instances(DAG_ID, run_id):
            if found.task_id == task_id:
                return found
        raise DrillFailed(f"run {run_id} has no task {task_id}")

    def said(self, run_id: str, task_id: str) -> str:
        """Return the log of a task's last try."""
        task = self.task(run_id, task_id)
        return self.client.task_log(DAG_ID, run_id, task_id, map_index=task.map_index, try_number=task.try_number)

    def until_deferred(self, run_id: str, task_id: str) -> None:
        """Wait until a task waits, without a worker, for somebody else who holds its key."""
        self.until(
            lambda: self.task(run_id, task_id).state == "deferred",
            f"{task_id} of {run_id} did not wait for the key's holder",
        )

    def ended(self, run_id: str) -> DagRun:
        """Wait for a run's end.

        Raises:
            WaitedTooLong: It does not end.
        """
        return self.client.wait_for_run(DAG_ID, run_id, timeout=PATIENCE_SECONDS)

    def until(self, true: Callable[[], bool], otherwise: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until something is true that Airflow brings about.

        Raises:
            DrillFailed: It takes too long, or Airflow has ended.
        """
        deadline = time.monotonic() + seconds
        while not true():
            if self._owner is not None and not self._owner.lives:
                raise DrillFailed(f"{otherwise}: it ended by itself ({self._owner.wait()})")
            if time.monotonic() > deadline:
                raise DrillFailed(f"{otherwise} within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _url(self) -> str | None:
        from nightshift.embedded import background

        found = background.running(self._home, self._repository)
        return found.url if found is not None and found.healthy else None

    @property
    def _orders(self) -> Path:
        return self._signs / "orders.json"

    def _extra(self) -> dict[str, str]:
        ours = {
            name: value
            for name, value in self._sandbox.environment.items()
            if name.startswith(("NIGHTSHIFT_", "AIRFLOW_CONN_"))
        }
        packages = os.pathsep.join(str(folder) for folder in (REPOSITORY, Path(nightshift.__file__).parents[1]))
        return {**ours, **SETTINGS, "PYTHONPATH": packages, orders.VARIABLE: str(self._orders)}

    def _make_repository(self) -> None:
        dags = self._repository / "dags"
        dags.mkdir(parents=True, exist_ok=True)
        (dags / f"{jobs.PIPELINE}.py").write_text(DAG_FILE.read_text())
        plugins = self._repository / "plugins"
        if not plugins.exists():
            plugins.symlink_to(REPOSITORY / "plugins")

    def _forget(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._owner is not None:
            self._owner.end()
            self._owner = None


class Hit:
    """A task of Airflow's that is aimed.

    Args:
        airflow: Whose it is.
        folder: For its signs.
        aim: Where it dies or stands still.
    """

    def __init__(self, airflow: Airflow, folder: Path, aim: Aim) -> None:
        self._airflow = airflow
        self._folder = folder
        self._aim = aim
        self._process: psutil.Process | None = None

    def until(self) -> psutil.Process:
        """Wait until a task has come to the moment; return the process that does its work.

        Raises:
            DrillFailed: None comes.
        """
        self._airflow.until(sign(self._folder, self._aim).exists, f"no task came to {self._aim.moment!r}")
        self._process = psutil.Process(int(sign(self._folder, self._aim).read_text()))
        return self._process

    def stop(self) -> None:
        """Let it stand still, heartbeat and all."""
        if self._process is not None:
            self._process.suspend()

    def go_on(self) -> None:
        """Let it go on, wherever it stands."""
        leave(self._folder).touch()
        if self._process is not None:
            self._process.resume()

    @property
    def lives(self) -> bool:
        """Whether the process is still there."""
        try:
            return self._process is not None and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    @property
    def log(self) -> str:
        """What our own code logged in it."""
        file = orders.log_of(self._folder, self._process.pid if self._process is not None else 0)
        return file.read_text() if file.exists() else ""

    def end(self) -> None:
        """Make sure that it is gone, though nobody supervises it."""
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._process.kill()
