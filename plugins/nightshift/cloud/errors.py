"""What can go wrong with a job in a cloud.

CloudError
├── JobRunning          (retryable) no mishap: the job goes on, and the claim is given back until it has ended
├── JobFailed           (retryable) the job ended without what it was for; ends the generation, so that a retry is a new job
├── JobTooSlow          the job goes on, but nobody wants to wait any longer
├── CloudUnavailable    (retryable) the cloud does not answer, or asks for patience
└── CloudRefused        the cloud answers no: a wrong configuration, a missing permission

Only `JobFailed` ends the generation of a key, whatever can be retried: the job of a generation is looked for by its name,
and a trouble in asking for it must not start another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pipelines.engine.errors import NightshiftError

if TYPE_CHECKING:
    from nightshift.cloud.jobs import Job


class CloudError(NightshiftError):
    """Something about a job in a cloud."""

    ends_generation: ClassVar[bool | None] = False


class JobRunning(CloudError):
    """The job goes on; come back when it has ended."""

    retryable = True
    goes_on: ClassVar[bool] = True
    """A step that raises it has not ended, and is not counted as one that has."""

    def __init__(self, message: str, job: Job) -> None:
        super().__init__(message)
        self.job = job


class JobFailed(CloudError):
    """The job ended without what it was for, or was stopped; the next try submits another one."""

    retryable = True
    ends_generation = True


class JobTooSlow(CloudError):
    """The job goes on beyond the time that the task was given to wait for it."""


class CloudUnavailable(CloudError):
    """The cloud does not answer, or not now."""

    retryable = True


class CloudRefused(CloudError):
    """The cloud will say no again."""
