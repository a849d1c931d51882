"""The door to Vertex AI's custom jobs, through the Google provider's hook and connection.

The server gives custom jobs their ids, so a name protects from nothing: a create whose reply was lost, and two workers who
submit at once, make two jobs. So each job carries its name as a label, and everybody keeps one rule: of the jobs with one
label the oldest stays, and younger ones that run are cancelled. Jobs are looked for before one is made, and once more after.

What is not guaranteed: Google does not promise that a list shows what was created a moment ago. Two jobs that are hidden
from each other's makers both run until somebody looks again, at the latest when one of them has ended; the younger one's
time until then is paid for. Its output is never used.
https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.customJobs
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nightshift.cloud.errors import CloudRefused
from nightshift.cloud.google import GoogleJobs, refused
from nightshift.cloud.jobs import Job, State, asking

if TYPE_CHECKING:
    from airflow.providers.google.cloud.hooks.vertex_ai.custom_job import CustomJobHook
    from google.cloud.aiplatform_v1.types import CustomJob

log = logging.getLogger(__name__)
LABEL = "nightshift_job"
PAGE = 100
TIMEOUT = 60.0  # seconds for one answer; the client's own default is to wait for ever
# Every word that is not here means that the job goes on: a status that we do not know must not start a second job.
ENDS: Mapping[str, State] = {
    "JOB_STATE_SUCCEEDED": "succeeded",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_CANCELLED": "failed",
    "JOB_STATE_EXPIRED": "failed",
    "JOB_STATE_PAUSED": "failed",  # a custom job is not resumed; the provider calls it failed, too
    "JOB_STATE_PARTIALLY_SUCCEEDED": "failed",
}


class VertexJobs(GoogleJobs):
    """Custom jobs of one project and region; see `GoogleJobs` for the arguments."""

    @cached_property
    def _hook(self) -> CustomJobHook:
        return _hook(self._gcp_conn_id, self._impersonation_chain, self._api_endpoint)

    @property
    def _where(self) -> dict[str, Any]:
        return {"project_id": self._project_id or self._hook.project_id, "region": self._region, "timeout": TIMEOUT}

    def find(self, name: str, known: str | None) -> Job | None:
        """Return the oldest job with the label, and cancel the younger ones that still run.

        Raises:
            CloudRefused, CloudUnavailable: Vertex did not say.
        """
        jobs = self._labelled(name, known)
        if not jobs:
            return None
        oldest, *younger = sorted(jobs, key=lambda job: (job.create_time, job.name))
        for job in younger:
            self._cancel_double(job, oldest)
        return read(oldest)

    def describe(self, job_id: str) -> Job | None:
        """Return a job by its resource name.

        Raises:
            CloudRefused, CloudUnavailable: Vertex did not say.
        """
        job = self._get(job_id)
        return read(job) if job is not None else None

    def submit(self, name: str, config: Mapping[str, Any]) -> Job:
        """Start a job, unless an older one of this name shows up by then.

        Raises:
            CloudRefused, CloudUnavailable: Vertex did not say that there is a job.
        """
        labels = {**config.get("labels", {}), LABEL: name}
        with asking(f"Vertex AI to start {name}", refused):
            custom_job = {**config, "display_name": name, "labels": labels}
            made = self._hook.create_custom_job(custom_job=custom_job, **self._where)
        return self.find(name, made.name) or read(made)

    def stop(self, job_id: str) -> None:
        """Ask for the end of a job.

        Raises:
            CloudRefused, CloudUnavailable: Vertex did not take it, as when it has ended.
        """
        with asking(f"Vertex AI to cancel {job_id}", refused):
            self._hook.cancel_custom_job(custom_job=_short(job_id), **self._where)

    def _labelled(self, name: str, known: str | None) -> list[CustomJob]:
        with asking(f"Vertex AI to list {name}", refused):
            wanted = f'labels.{LABEL}="{name}"'
            pages = self._hook.list_custom_jobs(
                page_size=PAGE, page_token=None, filter=wanted, read_mask=None, **self._where
            )
            jobs = {job.name: job for job in pages}
        if known and known not in jobs:
            # A list may lag behind; a job that is known by its id is asked for by its id.
            job = self._get(known)
            if job is not None and job.labels.get(LABEL) == name:
                jobs[job.name] = job
        return list(jobs.values())

    def _get(self, job_id: str) -> CustomJob | None:
        from google.api_core.exceptions import NotFound

        with asking(f"Vertex AI to describe {job_id}", refused):
            try:
                return self._hook.get_custom_job(custom_job=_short(job_id), **self._where)
            except NotFound:
                return None

    def _cancel_double(self, job: CustomJob, oldest: CustomJob) -> None:
        if read(job).state != "running":
            return
        log.warning("%s is a double of %s, which is older: it is cancelled", job.name, oldest.name)
        try:
            self.stop(job.name)
        except CloudRefused as error:
            log.warning("%s", error)  # it ended meanwhile


def read(job: CustomJob) -> Job:
    """Read a custom job."""
    _, project, _, region, _, number = job.name.split("/")
    output = job.job_spec.base_output_directory.output_uri_prefix
    console = f"https://console.cloud.google.com/vertex-ai/locations/{region}/training/{number}/cpu?project={project}"
    return Job(
        name=job.labels.get(LABEL, job.display_name),
        id=job.name,
        state=ENDS.get(job.state.name, "running"),
        status=job.state.name,
        reason=job.error.message,
        console=console,
        result={
            "resource": job.name,
            # Where Vertex tells the container to put it: AIP_MODEL_DIR.
            "model": f"{output.rstrip('/')}/model" if output else None,
            "metrics": {},  # custom jobs have no place for them
            "billable_seconds": _billable_seconds(job),
        },
    )


def _billable_seconds(job: CustomJob) -> int | None:
    """Seconds from start to end times machines: our sum, not Google's bill."""
    start: Any = job.start_time  # datetimes, or None: proto-plus says otherwise than its types
    end: Any = job.end_time
    machines = sum(int(pool.replica_count) for pool in job.job_spec.worker_pool_specs)
    return round((end - start).total_seconds()) * machines if start and end else None


def _short(job_id: str) -> str:
    return job_id.rpartition("/")[2]


def _hook(gcp_conn_id: str, impersonation_chain: str | Sequence[str] | None, api_endpoint: str | None) -> CustomJobHook:
    from airflow.providers.google.cloud.hooks.vertex_ai.custom_job import CustomJobHook
    from airflow.providers.google.common.consts import CLIENT_INFO
    from google.cloud.aiplatform_v1 import JobServiceClient

    class Hook(CustomJobHook):
        """The provider's, but over HTTP, so that no gRPC thread lives in Airflow's forked workers; and at any address."""

        def get_job_service_client(self, region: str | None = None) -> JobServiceClient:
            return JobServiceClient(
                credentials=self.get_credentials(),
                client_info=CLIENT_INFO,
                transport="rest",
                client_options=self.get_client_options(
                    api_endpoint_override=api_endpoint or self._get_api_endpoint(region=region)
                ),
            )

    return Hook(gcp_conn_id=gcp_conn_id, impersonation_chain=impersonation_chain)
