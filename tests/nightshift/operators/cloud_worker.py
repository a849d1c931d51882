"""A worker process that runs one SageMaker task, to be killed on the way: `cloud_worker.py OURS_OR_THEIRS`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import tests.dags.airflow_home  # noqa: F401

NIGHT = "2024-03-06"
CONFIG: dict[str, Any] = {
    "AlgorithmSpecification": {"TrainingImage": "tides:1", "TrainingInputMode": "File"},
    "RoleArn": "arn:aws:iam::123456789012:role/training",
    "OutputDataConfig": {"S3OutputPath": "s3://models/tides"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}


def ours(**arguments: Any) -> Any:
    """Our operator, as an author writes it."""
    from nightshift import SageMakerTrainOperator

    return _in_dag(SageMakerTrainOperator, pipeline="tides", config=CONFIG, poll_seconds=0.01, **arguments)


def theirs() -> Any:
    """The provider's operator with its defaults, deferring as ours does; the name is the night's, as good authors do it."""
    from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTrainingOperator

    config = {**CONFIG, "TrainingJobName": f"tides-{NIGHT}"}
    return _in_dag(SageMakerTrainingOperator, config=config, deferrable=True, print_log=False)


OPERATORS = {"ours": ours, "theirs": theirs}


def _in_dag(kind: type, **arguments: Any) -> Any:
    from airflow.sdk import DAG

    with DAG("tides_training", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)):
        return kind(task_id="step", retries=3, **arguments)


def main(whose: str) -> None:
    from nightshift.operators import base
    from tests.nightshift.operators.worker import run_task
    from tests.pipelines.engine.steps import places, tides

    with places.known_suites():
        pipeline = tides.declare()
    base.load_pipeline = lambda name: pipeline
    run_task(OPERATORS[whose]())


if __name__ == "__main__":
    main(sys.argv[1])
