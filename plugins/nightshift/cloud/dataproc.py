"""The door to batches of Dataproc Serverless, through the Google provider's hook and connection.

A batch gets its id from whoever makes it, and Google keeps ids apart (409): two who submit one name get one batch.
https://cloud.google.com/dataproc-serverless/docs/reference/rest/v1/projects.locations.batches
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nightshift.cloud.errors import CloudUnavailable
from nightshift.cloud.google import GoogleJobs, refused
from nightshift.cloud.jobs import Job, State, asking

if TYPE_CHECKING:
    from airflow.providers.google.cloud.hooks.dataproc import DataprocHook
    from google.cloud.dataproc_v1 import Batch, BatchControllerClient

log = logging.getLogger(__name__)
TIMEOUT = 60.0  # seconds for one answer
# Every word that is not here means that the job goes on: a state that we do not know must not start a second job.
ENDS: Mapping[str, State] = {"SUCCEEDED": "succeeded", "FAILED": "failed", "CANCELLED": "failed"}


class DataprocJobs(GoogleJobs):
    """Batches of one project and region; see `GoogleJobs` for the arguments."""

    @cached_property
    def _hook(self) -> DataprocHook:
        return _hook(self._gcp_conn_id, self._impersonation_chain, self._api_endpoint)

    @property
    def _parent(self) -> str:
        return f"projects/{self._project_id or self._hook.project_id}/locations/{self._region}"

    def find(self, name: str, known: str | None) -> Job | None:
        """Return the batch of a name; at Dataproc the name is the id."""
        return self.describe(name)

    def describe(self, job_id: str) -> Job | None:
        """Return a batch by its name.

        Raises:
            CloudRefused, CloudUnavailable: Dataproc did not say.
        """
        batch = self._get(job_id)
        return read(batch) if batch is not None else None

    def submit(self, name: str, config: Mapping[str, Any]) -> Job:
        """Start a batch; one that has the name already is adopted.

        Raises:
            CloudRefused, CloudUnavailable: Dataproc did not say that there is one.
        """
        from google.api_core.exceptions import AlreadyExists

        with asking(f"Dataproc to start {name}", refused):
            try:
                # Not by the hook's method: it names regions, and the REST interface knows batches of locations alone.
                asked = {"parent": self._parent, "batch": dict(config), "batch_id": name}
                self._hook.get_batch_client(self._region).create_batch(asked, timeout=TIMEOUT)
            except AlreadyExists:
                log.info("adopted batch %s: it was there when it was to be submitted", name)
        job = self.describe(name)
        if job is None:
            raise CloudUnavailable(f"Dataproc took {name} and does not show it yet; the next try looks again")
        return job

    def stop(self, job_id: str) -> None:
        """Ask for the end of a batch, which Google does by cancelling the operation that runs it.

        Raises:
            CloudRefused, CloudUnavailable: Dataproc did not take it.
        """
        batch = self._get(job_id)
        if batch is None or read(batch).state != "running":
            return
        with asking(f"Dataproc to cancel {job_id}", refused):
            self._hook.get_batch_client(self._region).cancel_operation({"name": batch.operation}, timeout=TIMEOUT)

    def _get(self, name: str) -> Batch | None:
        from google.api_core.exceptions import NotFound

        with asking(f"Dataproc to describe {name}", refused):
            try:
                asked = {"name": f"{self._parent}/batches/{name}"}
                return self._hook.get_batch_client(self._region).get_batch(asked, timeout=TIMEOUT)
            except NotFound:
                return None


def read(batch: Batch) -> Job:
    """Read a batch."""
    _, project, _, region, _, name = batch.name.split("/")
    used = batch.runtime_info.approximate_usage
    return Job(
        name=name,
        id=name,
        state=ENDS.get(batch.state.name, "running"),
        status=batch.state.name,
        reason=batch.state_message,
        console=f"https://console.cloud.google.com/dataproc/batches/{region}/{name}/summary?project={project}",
        result={"resource": batch.name, "dcu_seconds": int(used.milli_dcu_seconds) // 1000},
    )


def _hook(gcp_conn_id: str, impersonation_chain: str | Sequence[str] | None, api_endpoint: str | None) -> DataprocHook:
    from airflow.providers.google.cloud.hooks.dataproc import DataprocHook
    from airflow.providers.google.common.consts import CLIENT_INFO
    from google.cloud.dataproc_v1 import BatchControllerClient

    class Hook(DataprocHook):
        """The provider's, but over HTTP, so that no gRPC thread lives in Airflow's forked workers; and at any address."""

        def get_batch_client(self, region: str | None = None) -> BatchControllerClient:
            return BatchControllerClient(
                credentials=self.get_credentials(),
                client_info=CLIENT_INFO,
                transport="rest",
                client_options=self.get_client_options(
                    api_endpoint_override=api_endpoint or self._get_api_endpoint(region=region)
                ),
            )

    return Hook(gcp_conn_id=gcp_conn_id, impersonation_chain=impersonation_chain)
