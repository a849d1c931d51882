"""The whole of production on this machine: nights through Celery, Postgres and an object store, and what breaks meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from zoneinfo import ZoneInfo

import psutil
import pytest

from nightshift.dashboards import panels
from nightshift.drill.oracle.verdict import judge
from nightshift.embedded.errors import EmbeddedError
from nightshift.embedded.processes import members
from nightshift.embedded.records import DagRun, backfill_range
from nightshift.stack import eyes
from pipelines.engine.nights import nights_between
from tests.nightshift.stack.worlds import World

pytestmark = pytest.mark.airflow

WEEK = nights_between("2013-11-01", "2013-11-07")
TEN = nights_between("2013-11-08", "2013-11-17")
PATIENCE_SECONDS = 900.0


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """A stack through which the demonstration went."""
    one = World(tmp_path_factory.mktemp("stack"))
    try:
        one.nightshift("stack", "up")
        said = one.nightshift("demo", "--stack")
        (one.home / "said").write_text(said.stderr + said.stdout)
        yield one
    finally:
        one.nightshift("stack", "down", check=False)


def until(true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(1.0)


def test_every_role_is_healthy(world):
    found = json.loads(world.nightshift("stack", "status", "--json").stdout)
    assert {one["role"] for one in found} > {"postgres", "redis", "object-store", "mlflow", "airflow-worker", "watch"}
    assert len([one for one in found if one["role"] == "airflow-worker"]) == 2
    assert all(one["healthy"] for one in found)


def test_a_week_went_through_both_workers_and_every_row_is_there_once(world, tmp_path):
    assert set(world.nights()) == set(WEEK)
    assert judge(world.scene(WEEK, tmp_path), WEEK).complaints == ()
    for worker in ("airflow-worker-1", "airflow-worker-2"):
        assert "] succeeded in " in (world.stack.layout.logs / f"{worker}.log").read_text(), worker


def test_prometheus_reaches_all_and_alertmanager_held_the_late_night(world):
    found = eyes.targets(f"http://{world.stack.address('prometheus')}:9090")
    assert found
    assert {one.health for one in found} == {"up"}
    assert "Alertmanager holds NightshiftLate" in (world.home / "said").read_text()


def test_panels_have_data_where_they_promise_it(world):
    prometheus = f"http://{world.stack.address('prometheus')}:9090"
    asked = [panel for panel in panels() if panel.expects in ("always", "after a night", "after a training")]
    assert len(asked) > 20

    def empty() -> list[str]:
        return [f"{panel.dashboard}: {panel.title}" for panel in asked if not eyes.query(prometheus, panel.query)]

    until(lambda: not empty(), f"no data in {empty()}", 180.0)


def test_hardening_checklist_is_green(world):
    done = world.inside("nightshift", "doctor", "--production", "--prometheus", "http://prometheus:9090", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ten_nights_survive_a_killed_worker_a_flushed_queue_and_restarted_servers(world, tmp_path):
    stack, dag_id = world.stack, "flights_scoring"
    first, last = backfill_range(date.fromisoformat(TEN[0]), date.fromisoformat(TEN[-1]), ZoneInfo("America/New_York"))
    with world.client() as client:
        client.create_backfill(dag_id, first, last, max_active_runs=4)

        def runs() -> list[DagRun]:
            with suppress(EmbeddedError):  # its database may be away
                return [run for run in client.dag_runs(dag_id) if run.partition_key in TEN]
            return []

        def through(count: int) -> None:
            until(lambda: sum(run.succeeded for run in runs()) >= count, f"{count} nights are not through: {runs()}")

        through(1)
        kill_worker(world)
        through(2)
        flush_the_queue(world)
        through(4)
        stack.supervisor.signal("postgres", "QUIT")  # as a crash: nothing is written down
        through(6)
        stack.supervisor.signal("mlflow", "KILL")
        through(len(TEN))
        assert len(runs()) == len(TEN)
    verdict = judge(world.scene(TEN, tmp_path), [*TEN])
    assert verdict.complaints == ()
    assert verdict.clean
    assert all(one.healthy for one in stack.status())


def kill_worker(world: World) -> None:
    """Kill a worker with all its tasks, while it has some."""
    worker = psutil.Process(world.stack.supervisor.processes()["airflow-worker-1"]["pid"])
    for process in [worker, *worker.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    until(lambda: is_well(world, "airflow-worker-1"), "the worker did not come back")


def is_well(world: World, name: str) -> bool:
    return any(one.healthy for one in world.stack.status() if one.name == name)


def flush_the_queue(world: World) -> None:
    """Throw away what waits in Redis, and restart it."""
    import redis

    redis.Redis.from_url(world.stack.secret("broker_url")).flushall()
    world.stack.restart(["redis"], lambda _: None)


def test_nothing_is_done_twice_after_everything_but_a_backup_was_lost(world, tmp_path):
    vault = tmp_path / "vault"
    superuser = {"PGPASSWORD": world.stack.secret("postgres_password").strip()}
    published = world.nights()

    def backup(*words: str) -> str:
        address = world.stack.address("postgres")
        options = [f"--database=ledger=postgresql://postgres@{address}:5432/ledger"]
        options += [
            f"--database=mlflow=postgresql://postgres@{address}:5432/mlflow",
            "--folder=artifacts=s3://mlflow/artifacts",
        ]
        setting = [f"{name}={value}" for name, value in superuser.items()]
        return world.inside("env", "-u", "PGPASSFILE", *setting, "nightshift", "backup", *words, *options).stdout

    backup("create", str(vault))
    world.nightshift("stack", "down")
    assert not members([], world.stack.layout.name)
    world.nightshift("stack", "up")
    superuser["PGPASSWORD"] = world.stack.secret("postgres_password").strip()
    assert world.nights() == {}
    roles = [
        name for name in world.stack.programs if name not in ("postgres", "object-store", "migrate", "migrate-mlflow")
    ]
    world.nightshift("stack", "stop", *roles)  # nobody may be at work on what is put back
    backup("restore", str(vault), "--replace")
    assert world.nights() == published
    world.nightshift("stack", "start", "mlflow")
    (tmp_path / "rows").mkdir()
    assert judge(world.scene([*WEEK, *TEN], tmp_path / "rows"), [*WEEK, *TEN]).complaints == ()
    world.inside("nightshift", "score", "flights", f"{WEEK[0]}..{WEEK[-1]}", role="airflow-worker-1")
    assert world.nights() == published  # the same versions, published when they were
