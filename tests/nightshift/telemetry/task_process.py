"""A task's process as Airflow makes one, as far as metrics and traces go; run as a file, with a ledger in NIGHTSHIFT_HOME.

Airflow's own code reads the settings, opens the span of the task, runs the operator and flushes; around it is what its
supervisor and `main` would do, without a server to talk to.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from airflow.sdk._shared.observability.metrics import stats
from airflow.sdk._shared.observability.traces import configure_otel
from airflow.sdk.configuration import conf
from airflow.sdk.execution_time import task_runner
from airflow.sdk.observability.metrics import stats_utils

from nightshift.operators.base import StepOperator
from nightshift.testing import run_operator
from pipelines.engine.errors import RowsMissing
from pipelines.engine.keys import TaskKey

NIGHT = "2026-02-20"


class CountRows(StepOperator):
    """A step that does next to nothing."""

    def step(self, runtime: Any, pipeline: Any, context: Any) -> dict[str, Any]:
        key = TaskKey(pipeline=pipeline.name, step="score", partition=f"{NIGHT}#0")
        return runtime.run(key, lambda hold: {"rows_in": 10, "rows_scored": 9, "model_version": "3"})


class RefuseRows(StepOperator):
    """A step that is refused."""

    def step(self, runtime: Any, pipeline: Any, context: Any) -> dict[str, Any]:
        def work(hold: Any) -> dict[str, Any]:
            raise RowsMissing("no rows")

        return runtime.run(TaskKey(pipeline=pipeline.name, step="validate", partition=NIGHT), work)


def main(*tasks: str) -> None:
    configure_otel(conf)
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
    for task in tasks:
        kind = {"score": CountRows, "validate": RefuseRows}[task]
        instance = SimpleNamespace(
            task_id=task, dag_id="digits_scoring", run_id="a", try_number=1, map_index=-1, context_carrier=None
        )
        with task_runner.flush_spans(), task_runner._make_task_span(SimpleNamespace(ti=instance)):
            sys.stdout.write(f"{run_operator(kind(task_id=task, pipeline='digits'), partition_key=NIGHT).state}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
