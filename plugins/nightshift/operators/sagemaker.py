"""Training on Amazon SageMaker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightshift.operators.cloud import CloudTrainOperator


class SageMakerTrainOperator(CloudTrainOperator):
    """Train with a SageMaker training job, once per key.

    SageMaker keeps names apart, so that at most one job is paid for per generation, whoever submits at once.

    Args:
        config: What `CreateTrainingJob` takes, without `TrainingJobName`.
        aws_conn_id: The Airflow connection; None for what boto3 finds by itself.
        region_name: The region; the connection's by default. It belongs to the key as far as it is written here.
        **arguments: Those of `CloudTrainOperator`, `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = (*CloudTrainOperator.template_fields, "aws_conn_id", "region_name")
    cloud = "sagemaker"
    needed = {  # noqa: RUF012 - read only
        "RoleArn": "'arn:aws:iam::123456789012:role/training'",
        "OutputDataConfig": "{'S3OutputPath': 's3://bucket/models'}",
    }
    named_by_us = "TrainingJobName"

    def __init__(
        self,
        *,
        config: Any,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(config=config, **arguments)
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name

    def place(self) -> dict[str, Any]:
        """Return the arguments of `nightshift.cloud.sagemaker.SageMakerJobs`."""
        return {"aws_conn_id": self.aws_conn_id, "region_name": self.region_name}

    def where(self) -> dict[str, Any]:
        """Return the region."""
        return {"region": self.region_name}
