"""What the doors to Google's clouds share: where jobs are, as whom we ask, and which answers are refusals."""

from __future__ import annotations

from collections.abc import Sequence

from nightshift.cloud.jobs import is_refusal


class GoogleJobs:
    """Jobs of one project and region.

    Args:
        gcp_conn_id: The Airflow connection.
        project_id: The project; None for the connection's.
        region: The region, such as `europe-west1`.
        impersonation_chain: Service accounts to act as, as the provider takes them.
        api_endpoint: Where the API is, if not at the region's public address, as with Private Service Connect.
    """

    def __init__(
        self,
        *,
        gcp_conn_id: str,
        project_id: str | None,
        region: str,
        impersonation_chain: str | Sequence[str] | None,
        api_endpoint: str | None,
    ) -> None:
        self._gcp_conn_id = gcp_conn_id
        self._project_id = project_id
        self._region = region
        self._impersonation_chain = impersonation_chain
        self._api_endpoint = api_endpoint


def refused(error: Exception) -> bool:
    """Return whether an error means that the same question gets the same answer again."""
    from google.api_core.exceptions import GoogleAPICallError

    if isinstance(error, GoogleAPICallError):
        return is_refusal(int(error.code or 500))
    # The configuration is none of the cloud's. (What the network raises may be a ValueError, too.)
    return isinstance(error, ValueError | TypeError) and not isinstance(error, OSError)
