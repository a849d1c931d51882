"""What does a night cost beside the Airflow that runs it? `python -m benchmarks.nights` (needs about two minutes).

Both DAGs have five tasks, of which one is mapped, and run in turn on one warm tree. What a run takes is what Airflow says,
from its beginning to its end, so the way to ask about it is not measured.
"""

from __future__ import annotations

import os
import statistics
import uuid
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.results import Found, Target, print_found

AS_OF = "2013-10-01"
FIRST = date(2013, 11, 4)
TIMES = 2.0
NIGHT, BARE = "flights_scoring", "bare"
BARE_DAG = '''"""# Bare: as many tasks as a night, which do nothing."""

from datetime import UTC, datetime

from airflow.sdk import DAG, CronPartitionTimetable, task

timetable = CronPartitionTimetable("0 2 * * *", timezone="America/New_York", run_offset=0, key_format="%Y-%m-%d")
with DAG("bare", schedule=timetable, start_date=datetime(2013, 1, 1, tzinfo=UTC), end_date=datetime(2014, 1, 1, tzinfo=UTC)):

    @task
    def validate():
        return {}

    @task
    def plan(checked):
        return [{}]

    @task
    def score(shard):
        return {}

    @task
    def publish(checked, scored):
        return {}

    @task
    def monitor(checked, published):
        return {}

    checked = validate()
    published = publish(checked, score.expand(shard=plan(checked)))
    monitor(checked, published)
'''


def study(folder: Path, rounds: int) -> Found:
    """Run nights of about 900 flights and nights of a bare DAG in turn, through real Airflow.

    Args:
        folder: Empty, for a home and the files of an Airflow.
        rounds: Nights of each.

    Raises:
        RuntimeError: A run failed.
    """
    from nightshift.embedded.tree import AirflowTree
    from pipelines.engine.settings import REPOSITORY

    home, repository = folder / "home", folder / "repository"
    _prepare(home)
    _draw(repository)
    extra = {
        "PYTHONPATH": os.pathsep.join(str(path) for path in (REPOSITORY, REPOSITORY / "plugins")),
        "NIGHTSHIFT_HOME": str(home),
    }
    runs: dict[str, list[float]] = {NIGHT: [], BARE: []}
    tasks: dict[str, dict[str, list[float]]] = {NIGHT: defaultdict(list), BARE: defaultdict(list)}
    with AirflowTree(home, repository, extra=extra) as tree:
        tree.start()
        for number in range(rounds + 1):  # the first of each is not counted
            night = (FIRST + timedelta(days=number)).isoformat()
            for dag_id in (NIGHT, BARE):
                seconds, each = _run(tree.client, dag_id, night)
                if number:
                    runs[dag_id].append(seconds)
                    for task, took in each.items():
                        tasks[dag_id][task].append(took)
    rows = {
        title: {"wall_s": statistics.median(runs[dag_id])}
        | {f"{task}_s": statistics.median(found) for task, found in tasks[dag_id].items()}
        for title, dag_id in (("a night of about 900 rows", NIGHT), ("a bare DAG with as many tasks", BARE))
    }
    ratios = [ours / bare for ours, bare in zip(runs[NIGHT], runs[BARE], strict=True)]
    return Found(
        "A night through Airflow, beside a DAG whose tasks do nothing",
        rows,
        [Target("a 900-row night / a bare DAG", TIMES, statistics.median(ratios))],
        [
            f"median of {rounds} pairs on one warm tree: embedded Airflow, LocalExecutor, SQLite, two tasks at a time",
            "each night is new: its rows are checked by Great Expectations, scored, published and monitored",
            "a bare run waits for Airflow, a night computes for a second: whatever else the machine does raises the ratio",
        ],
    )


def _prepare(home: Path) -> None:
    """Make a home with flights and a champion."""
    from pipelines.engine.ledger.migrate import migrate
    from pipelines.engine.runtime import open_runtime
    from pipelines.engine.settings import read_settings
    from pipelines.engine.steps.whole import run_training
    from pipelines.flights import flights

    settings = read_settings({"NIGHTSHIFT_HOME": str(home)})
    migrate(settings.ledger_url)
    runtime = open_runtime(settings)
    flights.prepare(Path(settings.data) / "flights")  # type: ignore[misc]
    run_training(runtime, flights, AS_OF, actor="benchmark")


def _draw(repository: Path) -> None:
    from pipelines.engine.settings import REPOSITORY

    (repository / "dags").mkdir(parents=True)
    (repository / "plugins").symlink_to(REPOSITORY / "plugins")
    (repository / "dags/flights.py").write_text((REPOSITORY / "dags/flights.py").read_text())
    (repository / "dags/bare.py").write_text(BARE_DAG)


def _run(client: Any, dag_id: str, night: str) -> tuple[float, dict[str, float]]:
    run_id = f"benchmark-{night}-{uuid.uuid4().hex[:6]}"
    client.trigger(dag_id, partition_key=night, run_id=run_id)
    run = client.wait_for_run(dag_id, run_id, timeout=300, every=0.5)
    if not run.succeeded:
        raise RuntimeError(f"{dag_id} of {night} ended as {run.state}")
    each = {
        task.task_id: (task.ended_at - task.started_at).total_seconds()
        for task in client.task_instances(dag_id, run_id)
        if task.ended_at is not None and task.started_at is not None
    }
    return (run.ended_at - run.started_at).total_seconds(), each


if __name__ == "__main__":
    print_found(study, rounds=5)
