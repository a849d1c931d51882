"""What a step tells in a task's process reaches a real receiver of OpenTelemetry, below Airflow's own span of the task."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.otlp import Received, otlp_receiver

ROOT = Path(__file__).resolve().parents[3]
FINISHED = "airflow.nightshift.step.finished"


def run_tasks(home: Path, *tasks: str, **environment: str) -> list[str]:
    """Run tasks in a process of their own; how each ended."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW", "OTEL_"))
    }
    ours = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
        "NIGHTSHIFT_HOME": str(home),
        "AIRFLOW_HOME": str(home),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.nightshift.telemetry.task_process", *tasks],
        cwd=ROOT,
        env={**kept, **ours, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line in ("success", "failed", "up_for_retry")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Path:
    home = tmp_path_factory.mktemp("told")
    (home / "ledger.db").write_bytes(migrated_file.read_bytes())
    return home


@pytest.fixture(scope="module")
def received(home: Path) -> Iterator[Received]:
    """What came of a step that is done, one that is answered from the ledger, and one that is refused."""
    with otlp_receiver() as receiver:
        ended = run_tasks(
            home,
            "score",
            "score",
            "validate",
            AIRFLOW__METRICS__OTEL_ON="True",
            AIRFLOW__TRACES__OTEL_ON="True",
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_TRACES_EXPORTER="otlp_proto_http",
            OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta",
        )
        assert ended == ["success", "success", "failed"]
        yield receiver


def test_span_of_a_step_lies_below_airflows_span_of_the_task(received: Received) -> None:
    steps, tasks = received.named("nightshift.score"), received.named("worker.score")
    assert [(step.parent, step.trace) for step in steps] == [(task.id, task.trace) for task in tasks]
    done, replayed = (step.attributes for step in steps)
    assert (done["nightshift.outcome"], replayed["nightshift.outcome"]) == ("done", "replayed")
    assert (done["nightshift.night"], done["nightshift.rows_scored"]) == ("2026-02-20", 9)
    assert done["nightshift.key"] == replayed["nightshift.key"]


def test_span_of_a_refused_step_has_failed(received: Received) -> None:
    [refused] = received.named("nightshift.validate")
    assert (refused.failed, refused.attributes["nightshift.outcome"]) == (True, "refused")


def test_counters_of_a_task_are_sent_when_its_process_ends(received: Received) -> None:
    assert received.sums(FINISHED, "pipeline", "step", "outcome") == {
        ("digits", "score", "done"): 1,
        ("digits", "score", "replayed"): 1,
        ("digits", "validate", "refused"): 1,
    }
    assert received.sums("airflow.nightshift.rows", "step", "kind") == {("score", "in"): 10, ("score", "scored"): 9}
    assert received.sums("airflow.nightshift.step.cpu_seconds", "step").keys() == {("score",), ("validate",)}


def test_seconds_are_told_in_seconds(received: Received) -> None:
    took = [point for point in received.points if point.name == "airflow.nightshift.step.seconds"]
    assert {point.labels["step"]: point.times for point in took} == {"score": 1, "validate": 1}
    assert all(0 < point.value < 60 for point in took)


def test_task_runs_as_well_where_nobody_receives(home: Path) -> None:
    sent_nowhere = {
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "AIRFLOW__TRACES__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    assert run_tasks(home, "score", **sent_nowhere) == ["success"]
