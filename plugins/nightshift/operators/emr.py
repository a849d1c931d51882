"""Scoring on Amazon EMR Serverless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nightshift.operators.cloud_score import CloudScoreOperator


class ScoreOnEmrOperator(CloudScoreOperator):
    """Score a night by one job run of EMR Serverless, once per key.

    Args:
        application_id: The application; it belongs to the key.
        config: What `StartJobRun` takes, without `name`, `clientToken` and `applicationId`. The entry point runs
            `pipelines.engine.scoring_engines.job`, and gets its arguments from us.
        aws_conn_id: The Airflow connection; None for what boto3 finds by itself.
        region_name: The region; the connection's by default. It belongs to the key as far as it is written here.
        **arguments: Those of `CloudScoreOperator`, `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = (
        *CloudScoreOperator.template_fields,
        "application_id",
        "aws_conn_id",
        "region_name",
    )
    cloud = "emr"
    needed = {  # noqa: RUF012 - read only
        "executionRoleArn": "'arn:aws:iam::123456789012:role/scoring'",
        "jobDriver": "{'sparkSubmit': {'entryPoint': 's3://bucket/job.py'}}",
    }
    named_by_us = "name"

    def __init__(
        self,
        *,
        application_id: str,
        config: Any,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(config=config, **arguments)
        self.application_id = application_id
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name

    def place(self) -> dict[str, Any]:
        """Return the arguments of `nightshift.cloud.emr.EmrJobs`."""
        return {
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "application_id": self.application_id,
        }

    def where(self) -> dict[str, Any]:
        """Return region and application."""
        return {"region": self.region_name, "application": self.application_id}

    def with_arguments(self, config: dict[str, Any], arguments: list[str]) -> Mapping[str, Any]:
        """Return the configuration with the arguments of its entry point."""
        submit = {**config["jobDriver"]["sparkSubmit"], "entryPointArguments": arguments}
        return {**config, "jobDriver": {"sparkSubmit": submit}}
