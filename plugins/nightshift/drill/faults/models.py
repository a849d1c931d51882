"""A model registry that is not there, and a model that is not what was registered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nightshift.drill import jobs
from nightshift.drill.aim import Aim
from nightshift.drill.faults.base import NIGHT, Drill, Fault
from nightshift.drill.oracle.models import versions

if TYPE_CHECKING:
    from nightshift.drill.servers.tracking import TrackingServer

LATER = "2013-12-01"
"""Another training than the one that made the champion."""
MODEL = "flights"


@contextmanager
def _server(drill: Drill) -> Iterator[TrackingServer]:
    """Put a real MLflow server before the sandbox's registry."""
    from nightshift.drill.servers.tracking import TrackingServer

    with TrackingServer(drill.sandbox.home / "mlflow") as server:
        drill.sandbox.changes["NIGHTSHIFT_TRACKING_URI"] = server.uri
        yield server


BEFORE_PLAN = Aim("finishing", "stop", passing=1)
"""The checks are done; the champion is looked up next."""
BEFORE_LOAD = Aim("claimed", "stop", passing=3)
"""After validate and plan, score has its key; the model is fetched next."""


def _down_at(moment: Aim, drill: Drill) -> str:
    """Take the server away at a moment of a night, and bring it back after the attempt has failed."""
    before = drill.commits()
    with _server(drill) as server:
        worker = drill.attempt(moment)
        worker.until(moment)
        server.down()
        drill.broken()
        worker.go_on()
        outcome = worker.wait()
        drill.expect(not outcome.worked, "the night was scored without a registry: by which model?")
        drill.expect(outcome.retryable, f"it would not be tried again: {outcome}")
        drill.expect(drill.commits() == before, "something was published")
        server.up()
        drill.recover()
    return f"{outcome.error}, retried; no other model was used instead"


def _down_at_register(drill: Drill) -> str:
    """Take the server away when the run is logged and the version is not registered."""
    still = Aim("logged the run", "stop")
    with _server(drill) as server:
        before = versions(drill.scene.mlflow, MODEL)
        worker = drill.sandbox.start(jobs.train, LATER, aims=[still])
        worker.until(still)
        server.down()
        drill.broken()
        worker.go_on()
        outcome = worker.wait()
        drill.expect(outcome.retryable, f"it would not be tried again: {outcome}")
        server.up()
        again = drill.sandbox.run(jobs.train, LATER)
        drill.expect(again.worked, f"the training does not recover: {again}")
        drill.expect(versions(drill.scene.mlflow, MODEL) == before + 1, "the model is registered more than once")
        drill.recover()
    return f"{outcome.error}, retried; registered once"


def _killed_after_registering(drill: Drill) -> str:
    before = versions(drill.scene.mlflow, MODEL)
    worker = drill.sandbox.start(jobs.train, LATER, aims=[Aim("registered", "kill")])
    drill.expect(worker.wait().code == -9, "the registering process was not killed")
    drill.broken()
    again = drill.sandbox.run(jobs.train, LATER)
    drill.expect(again.worked, f"the training does not recover: {again}")
    drill.expect(versions(drill.scene.mlflow, MODEL) == before + 1, "the model is registered more than once")
    drill.recover()
    return "the retry found the version that was registered, and made no second one"


def _tampered(drill: Drill) -> str:
    before = drill.commits()
    model = _model_file(drill.sandbox.home / "mlflow" / "artifacts")
    right = model.read_bytes()
    model.unlink()
    model.write_bytes(right.replace(b"leaf_value=", b"leaf_value=9", 1))
    for copy in (drill.sandbox.home / "cache").glob("*"):
        _remove(copy)
    drill.broken()
    outcome = drill.sandbox.run(jobs.score_night, NIGHT)
    drill.expect(outcome.error == "TamperedModel", f"a changed model was used: {outcome}")
    drill.expect(not outcome.retryable, "it would be tried again, though it cannot pass by itself")
    drill.expect(drill.commits() == before, "something was published")
    model.write_bytes(right)
    drill.recover()
    return "TamperedModel: never loaded; with the registered file back, the night was published"


def _model_file(artifacts: Path) -> Path:
    return next(path for path in sorted(artifacts.rglob("model.txt")) if b"leaf_value=" in path.read_bytes())


def _remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path) if path.is_dir() else path.unlink()


FAULTS = (
    Fault(
        "mlflow-down-at-plan",
        "the MLflow server goes away before the champion is pinned",
        "a retryable error, never another model",
        lambda drill: _down_at(BEFORE_PLAN, drill),
    ),
    Fault(
        "mlflow-down-at-load",
        "the MLflow server goes away before a shard loads the model",
        "a retryable error, never another model",
        lambda drill: _down_at(BEFORE_LOAD, drill),
    ),
    Fault(
        "mlflow-down-at-register",
        "the MLflow server goes away between logging a run and registering its model",
        "a retryable error, registered once",
        _down_at_register,
    ),
    Fault(
        "kill-after-register",
        "kill -9 after MLflow has the version, before the ledger knows",
        "registered once",
        _killed_after_registering,
    ),
    Fault(
        "tampered-model",
        "a byte of the champion's model file is changed in the artifact store",
        "never loaded",
        _tampered,
    ),
)
