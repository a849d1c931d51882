"""Training on Google's Vertex AI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightshift.operators.cloud import CloudTrainOperator


class VertexTrainOperator(CloudTrainOperator):
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

    template_fields: Sequence[str] = (
        *CloudTrainOperator.template_fields,
        "region",
        "project_id",
        "gcp_conn_id",
        "impersonation_chain",
    )
    cloud = "vertex"
    needed = {"job_spec": "{'worker_pool_specs': [...]}"}  # noqa: RUF012 - read only
    named_by_us = "display_name"

    def __init__(
        self,
        *,
        config: Any,
        region: str,
        project_id: str | None = None,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        api_endpoint: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(config=config, **arguments)
        self.region = region
        self.project_id = project_id
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain
        self.api_endpoint = api_endpoint

    def place(self) -> dict[str, Any]:
        """Return the arguments of `nightshift.cloud.vertex.VertexJobs`."""
        return {
            "gcp_conn_id": self.gcp_conn_id,
            "project_id": self.project_id,
            "region": self.region,
            "impersonation_chain": self.impersonation_chain,
            "api_endpoint": self.api_endpoint,
        }

    def where(self) -> dict[str, Any]:
        """Return project and region."""
        return {"project": self.project_id, "region": self.region}
