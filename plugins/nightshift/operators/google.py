"""What operators of jobs on Google's clouds share: where a job runs, and as whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightshift.operators.cloud import CloudJobOperator

FIELDS = ("region", "project_id", "gcp_conn_id", "impersonation_chain")
"""Those that are templates."""


class OnGoogle(CloudJobOperator):
    """Stands before `CloudTrainOperator` or `CloudScoreOperator` among the bases of an operator.

    Args:
        config: The job as the API takes it.
        region: The region, such as `europe-west1`.
        project_id: The project; the connection's by default. It belongs to the key as far as it is written here.
        gcp_conn_id: The Airflow connection.
        impersonation_chain: Service accounts to act as.
        api_endpoint: Where the API is, if not at the region's public address.
        **arguments: Those of the other base.
    """

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
        """Return the arguments of the door to the cloud's jobs, `DataprocJobs` or `VertexJobs`."""
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
