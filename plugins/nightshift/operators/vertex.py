"""Training on Google's Vertex AI."""

from __future__ import annotations

from collections.abc import Sequence

from nightshift.operators.cloud import CloudTrainOperator
from nightshift.operators.google import FIELDS, OnGoogle


class VertexTrainOperator(OnGoogle, CloudTrainOperator):
    """Train with a Vertex AI custom job, once per key.

    Google gives custom jobs their ids, so a double cannot be refused. It is looked for by label before and after one is
    made, and the younger one is cancelled. What is not promised, and costs at most the double's time until somebody looks
    again: that Google's list shows what was created a moment ago. See `nightshift.cloud.vertex`.

    Args:
        config: A `CustomJob` as the API takes it, in snake_case and without `display_name`:
            `{"job_spec": {"worker_pool_specs": [...], "base_output_directory": {"output_uri_prefix": "gs://..."}}}`.
        region: The region, such as `europe-west1`.
        project_id: The project; the connection's by default. It belongs to the key as far as it is written here.
        gcp_conn_id: The Airflow connection.
        impersonation_chain: Service accounts to act as.
        api_endpoint: Where the API is, if not at the region's public address.
        **arguments: Those of `CloudTrainOperator`, `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = (*CloudTrainOperator.template_fields, *FIELDS)
    cloud = "vertex"
    needed = {"job_spec": "{'worker_pool_specs': [...]}"}  # noqa: RUF012 - read only
    named_by_us = "display_name"
