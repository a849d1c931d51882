"""Scoring on Google's Dataproc."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nightshift.operators.cloud_score import CloudScoreOperator
from nightshift.operators.google import FIELDS, OnGoogle


class ScoreOnDataprocOperator(OnGoogle, CloudScoreOperator):
    """Score a night by one batch of Dataproc Serverless, once per key.

    Google keeps the names of batches apart, so that at most one is paid for per generation, whoever submits at once.

    Args:
        config: A `Batch` as the API takes it, in snake_case: `{"pyspark_batch": {"main_python_file_uri": "gs://..."}}`.
            The main file runs `pipelines.engine.scoring_engines.job`, and gets its arguments from us.
        region: The region, such as `europe-west1`.
        project_id: The project; the connection's by default. It belongs to the key as far as it is written here.
        gcp_conn_id: The Airflow connection.
        impersonation_chain: Service accounts to act as.
        api_endpoint: Where the API is, if not at the region's public address.
        **arguments: Those of `CloudScoreOperator`, `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = (*CloudScoreOperator.template_fields, *FIELDS)
    cloud = "dataproc"
    needed = {"pyspark_batch": "{'main_python_file_uri': 'gs://bucket/job.py'}"}  # noqa: RUF012 - read only
    named_by_us = "name"

    def with_arguments(self, config: dict[str, Any], arguments: list[str]) -> Mapping[str, Any]:
        """Return the configuration with the arguments of its main file."""
        return {**config, "pyspark_batch": {**config["pyspark_batch"], "args": arguments}}
