"""The door to SageMaker's training jobs, through the Amazon provider's hook and connection.

SageMaker keeps names apart: `CreateTrainingJob` refuses one that was used before (`ResourceInUse`), so two who submit the
same name at once get one job. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nightshift.cloud.amazon import code_of, refused
from nightshift.cloud.errors import CloudUnavailable
from nightshift.cloud.jobs import Job, State, asking, finite

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook

log = logging.getLogger(__name__)
# Every word that is not here means that the job goes on: a status that we do not know must not start a second job.
ENDS: Mapping[str, State] = {"Completed": "succeeded", "Failed": "failed", "Stopped": "failed"}
DOMAINS = {"aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com"}


class SageMakerJobs:
    """Training jobs of one account and region.

    Args:
        aws_conn_id: The Airflow connection; None for what boto3 finds by itself.
        region_name: The region; None for the connection's.
    """

    def __init__(self, *, aws_conn_id: str | None, region_name: str | None) -> None:
        self._aws_conn_id = aws_conn_id
        self._region_name = region_name

    @cached_property
    def _hook(self) -> SageMakerHook:
        from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook

        hook: SageMakerHook = SageMakerHook(aws_conn_id=self._aws_conn_id, region_name=self._region_name)  # type: ignore[no-untyped-call]
        return hook

    def find(self, name: str, known: str | None) -> Job | None:
        """Return the job of a name; at SageMaker the name is the id."""
        return self.describe(name)

    def describe(self, job_id: str) -> Job | None:
        """Return a job by its name.

        Raises:
            CloudRefused, CloudUnavailable: SageMaker did not say.
        """
        with asking(f"SageMaker to describe {job_id}", refused):
            try:
                return read(self._hook.describe_training_job(job_id))
            except Exception as error:
                if _is_missing(error):
                    return None
                raise

    def submit(self, name: str, config: Mapping[str, Any]) -> Job:
        """Start a job; one that has the name already is adopted.

        Raises:
            CloudRefused, CloudUnavailable: SageMaker did not say that there is a job.
        """
        with asking(f"SageMaker to start {name}", refused):
            try:
                self._hook.create_training_job(
                    {**config, "TrainingJobName": name}, wait_for_completion=False, print_log=False
                )
            except Exception as error:
                if code_of(error) != "ResourceInUse":
                    raise
                # Asked twice: an earlier reply was lost, here or in boto's own retries.
                log.info("adopted job %s: it was there when it was to be submitted", name)
        job = self.describe(name)
        if job is None:
            raise CloudUnavailable(f"SageMaker took {name} and does not show it yet; the next try looks again")
        return job

    def stop(self, job_id: str) -> None:
        """Ask for the end of a job.

        Raises:
            CloudRefused, CloudUnavailable: SageMaker did not take it.
        """
        with asking(f"SageMaker to stop {job_id}", refused):
            self._hook.get_conn().stop_training_job(TrainingJobName=job_id)


def read(description: Mapping[str, Any]) -> Job:
    """Read the answer of `DescribeTrainingJob`."""
    name, arn = description["TrainingJobName"], description["TrainingJobArn"]
    _, partition, _, region, *_ = arn.split(":")
    console = f"https://{region}.console.{DOMAINS.get(partition, 'aws.amazon.com')}/sagemaker/home?region={region}#/jobs/{name}"
    status = description["TrainingJobStatus"]
    metrics = {one["MetricName"]: float(one["Value"]) for one in description.get("FinalMetricDataList", ())}
    return Job(
        name=name,
        id=name,
        state=ENDS.get(status, "running"),
        status=status,
        reason=description.get("FailureReason") or description.get("SecondaryStatus", ""),
        console=console,
        result={
            "resource": arn,
            "model": description.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
            "metrics": finite(metrics),
            "billable_seconds": _billable_seconds(description),
        },
    )


def _billable_seconds(description: Mapping[str, Any]) -> int | None:
    """Seconds times instances, as SageMaker bills them; its own seconds once it gives them: they know of spot prices."""
    resources = description.get("ResourceConfig", {})
    groups = resources.get("InstanceGroups") or [resources]
    instances = sum(int(group.get("InstanceCount", 1)) for group in groups)
    if "BillableTimeInSeconds" in description:
        return int(description["BillableTimeInSeconds"]) * instances
    start: datetime | None = description.get("TrainingStartTime")
    end: datetime | None = description.get("TrainingEndTime")
    return round((end - start).total_seconds()) * instances if start and end else None


def _is_missing(error: Exception) -> bool:
    """SageMaker documents `ResourceNotFound`, and sends `ValidationException` (github.com/aws/aws-sdk/issues/165)."""
    code, said = code_of(error), str(error).lower()
    if code == "ValidationException":
        return "not found" in said or "could not find" in said
    return code == "ResourceNotFound"
