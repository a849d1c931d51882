"""What a worker does: the engine's steps, as a task or the command line would call them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.runtime import Runtime

PIPELINE = "flights"
TRIES = 4


def _open() -> tuple[Runtime, Pipeline]:
    from nightshift.connections import open_doors
    from pipelines.engine.catalog import load_pipeline

    return open_doors(wait=True), load_pipeline(PIPELINE)


def prepare(as_of: str, night: str) -> None:
    """Make the data, train a first champion, and publish a first night."""
    from nightshift.connections import open_storage
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.delivery import deliver
    from pipelines.engine.ledger.migrate import migrate
    from pipelines.engine.runtime import no_progress
    from pipelines.engine.settings import read_settings
    from pipelines.engine.steps.whole import run_training

    settings = read_settings()
    deliver(settings, open_storage(settings), load_pipeline(PIPELINE), no_progress)
    migrate(settings.ledger_url)
    runtime, pipeline = _open()
    run_training(runtime, pipeline, as_of, actor="drill")
    score_night(night)


def score_night(night: str) -> dict[str, Any]:
    """Check, score and publish a night, and wait for whoever is at it already."""
    from pipelines.engine.steps.whole import run_night

    runtime, pipeline = _open()
    return run_night(runtime, pipeline, night)


def score_night_and_insist(night: str) -> dict[str, Any]:
    """Score a night, and publish it as Airflow would: the task is tried again with what the tasks before it gave."""
    from pipelines.engine.errors import NightshiftError
    from pipelines.engine.steps.plan import plan_night
    from pipelines.engine.steps.publish import publish_night
    from pipelines.engine.steps.score import score_night_shard
    from pipelines.engine.steps.validate import validate_night

    runtime, pipeline = _open()
    checked = validate_night(runtime, pipeline, night)
    scored = [score_night_shard(runtime, pipeline, shard) for shard in plan_night(runtime, pipeline, checked)]
    for _ in range(TRIES):
        try:
            return publish_night(runtime, pipeline, checked, scored)
        except NightshiftError as error:
            if not error.retryable:
                raise
            wrong = error
    raise wrong


def train(as_of: str) -> dict[str, Any]:
    """Train, judge, register and perhaps promote a model."""
    from pipelines.engine.steps.whole import run_training

    runtime, pipeline = _open()
    return run_training(runtime, pipeline, as_of, actor="drill")


def supervise(night: str) -> int:
    """Score a night in a process of one's own, as Airflow's supervisors do, and return its exit code."""
    import os

    child = os.fork()
    if child == 0:
        try:
            score_night(night)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def force(key: str, reason: str) -> None:
    """Open a key again, as `nightshift keys force` does."""
    runtime, _ = _open()
    runtime.ledger.force(key, holder="drill", reason=reason)


def score_night_on_a_full_disk(night: str) -> dict[str, Any]:
    """Score a night while there is no room where its shards are written."""
    from nightshift.connections import open_doors
    from nightshift.drill.full_disk import full
    from pipelines.engine.catalog import load_pipeline

    runtime = open_doors()
    place = runtime.predictions(load_pipeline(PIPELINE)) / f"night={night}"
    with full(place.copy() if place.is_here else runtime.settings.cache / "outgoing"):
        return score_night(night)


def own_airflow(home: str, repository: str, extra: dict[str, str], parallelism: int) -> None:
    """Own an embedded Airflow for as long as the drill lives; if this process is ended, all of Airflow ends."""
    import multiprocessing
    from pathlib import Path

    from nightshift.embedded.tree import AirflowTree

    drill = multiprocessing.parent_process()
    with AirflowTree(Path(home), Path(repository), extra=extra, parallelism=parallelism) as tree:
        tree.start()
        while drill is not None and drill.is_alive():
            tree.check()
            time.sleep(1.0)
