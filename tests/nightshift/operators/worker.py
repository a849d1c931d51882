"""An operator in a DAG of its own, as the tests of operators want it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DAG

NIGHT = "2024-03-06"


def in_dag(kind: type, **arguments: Any) -> Any:
    """Make an operator inside a DAG, as an author does."""
    with DAG("tides_scoring", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)):
        return kind(task_id="step", pipeline="tides", retries=3, **arguments)


def run_task(task: Any, *, partition_key: str | None = NIGHT, **given: Any) -> Any:
    """Run one try of a task, for the first night of the small pipeline unless another one is named."""
    from nightshift.testing import run_operator

    return run_operator(task, partition_key=partition_key, **given)
