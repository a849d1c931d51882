"""The door to job runs of EMR Serverless, through the Amazon provider's hook and connection.

A job run is given its id by Amazon, and `StartJobRun` takes a client token: two who start the same name get one job run.
How long Amazon remembers a token is not promised, so the job run is looked for by its name before.
https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_StartJobRun.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nightshift.cloud.amazon import code_of, refused
from nightshift.cloud.errors import CloudUnavailable
from nightshift.cloud.jobs import Job, State, asking

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook

# Every word that is not here means that the job goes on: a state that we do not know must not start a second job.
ENDS: Mapping[str, State] = {"SUCCESS": "succeeded", "FAILED": "failed", "CANCELLED": "failed"}


class EmrJobs:
    """Job runs of one application.

    Args:
        aws_conn_id: The Airflow connection; None for what boto3 finds by itself.
        region_name: The region; None for the connection's.
        application_id: The application of EMR Serverless.
    """

    def __init__(self, *, aws_conn_id: str | None, region_name: str | None, application_id: str) -> None:
        self._aws_conn_id = aws_conn_id
        self._region_name = region_name
        self._application = application_id

    @cached_property
    def _hook(self) -> EmrServerlessHook:
        from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook

        return EmrServerlessHook(aws_conn_id=self._aws_conn_id, region_name=self._region_name)

    def find(self, name: str, known: str | None) -> Job | None:
        """Return the oldest job run of a name.

        Raises:
            CloudRefused, CloudUnavailable: Amazon did not say.
        """
        if known and (job := self.describe(known)) is not None and job.name == name:
            return job
        with asking(f"EMR Serverless to list {name}", refused):
            pages = self._hook.conn.get_paginator("list_job_runs").paginate(applicationId=self._application)
            found = [run for page in pages for run in page["jobRuns"] if run.get("name") == name]
        oldest = min(found, key=lambda run: run["createdAt"], default=None)
        return self.describe(oldest["id"]) if oldest else None

    def describe(self, job_id: str) -> Job | None:
        """Return a job run by its id.

        Raises:
            CloudRefused, CloudUnavailable: Amazon did not say.
        """
        with asking(f"EMR Serverless to describe {job_id}", refused):
            try:
                return read(self._hook.conn.get_job_run(applicationId=self._application, jobRunId=job_id)["jobRun"])
            except Exception as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise

    def submit(self, name: str, config: Mapping[str, Any]) -> Job:
        """Start a job run, or return the one that was started under this name.

        Raises:
            CloudRefused, CloudUnavailable: Amazon did not say that there is one.
        """
        with asking(f"EMR Serverless to start {name}", refused):
            started = self._hook.conn.start_job_run(
                **config, applicationId=self._application, name=name, clientToken=name
            )
        job = self.describe(started["jobRunId"])
        if job is None:
            raise CloudUnavailable(f"EMR Serverless took {name} and does not show it yet; the next try looks again")
        return job

    def stop(self, job_id: str) -> None:
        """Ask for the end of a job run.

        Raises:
            CloudRefused, CloudUnavailable: Amazon did not take it.
        """
        with asking(f"EMR Serverless to cancel {job_id}", refused):
            self._hook.conn.cancel_job_run(applicationId=self._application, jobRunId=job_id)


def read(run: Mapping[str, Any]) -> Job:
    """Read a job run of `GetJobRun`."""
    region = run["arn"].split(":")[3]
    console = (
        f"https://{region}.console.aws.amazon.com/emr/home?region={region}#/serverless-applications/"
        f"{run['applicationId']}/{run['jobRunId']}"
    )
    used = run.get("billedResourceUtilization") or {}
    return Job(
        name=run.get("name") or "",
        id=run["jobRunId"],
        state=ENDS.get(run["state"], "running"),
        status=run["state"],
        reason=run.get("stateDetails") or "",
        console=console,
        result={"resource": run["arn"], "vcpu_hours": used.get("vCPUHour")},
    )
