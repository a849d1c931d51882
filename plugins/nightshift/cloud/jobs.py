"""What a job in a cloud is to us: a name, a state, and what follows from it. No cloud is asked here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from nightshift.cloud.errors import CloudError, CloudRefused, CloudUnavailable, JobFailed, JobRunning

State = Literal["running", "succeeded", "failed"]
NAME_LENGTH = 63  # of a training job's name at Amazon, and of a label's value at Google
KEY_DIGITS = 24  # 96 bits: no two keys of one account meet
PATIENCE = frozenset(
    {401, 408, 409, 425, 429}
)  # of the refusals (4xx) those that pass: expired token, conflict, throttled
AFTER_A_REFUSAL = (
    "Mend the configuration or the permission and clear the task; a job that runs goes on and is found again."
)


@dataclass(frozen=True)
class Job:
    """A job, as its cloud describes it.

    Attributes:
        name: Ours, made of key and generation.
        id: What the cloud wants to hear when it is asked about this job.
        state: `running` until the cloud says that it has ended.
        status: The cloud's own word for it.
        reason: Why it failed, in the cloud's words.
        console: The address of its page.
        result: What is worth keeping of a job that succeeded, as small JSON.
    """

    name: str
    id: str
    state: State
    status: str
    reason: str
    console: str
    result: Mapping[str, Any] = field(default_factory=dict)


class Jobs(Protocol):
    """A door to one cloud's jobs. Whatever happens behind it comes out as a `CloudError`."""

    def find(self, name: str, known: str | None) -> Job | None:
        """Return the job of a name, or None; `known` is the id that it is believed to have."""

    def submit(self, name: str, config: Mapping[str, Any]) -> Job:
        """Start a job under a name, or return the one that has it already."""

    def describe(self, job_id: str) -> Job | None:
        """Return a job by its id, or None if there is no such job."""

    def stop(self, job_id: str) -> None:
        """Ask for the end of a job; one that has ended stays as it is."""


def job_name(pipeline: str, key: str, generation: int) -> str:
    """Return the name of the job of a key's generation: `nightshift-flights-0123456789abcdef01234567-g1`.

    It is valid at both clouds: lower-case letters, digits and single dashes, at most 63 of them. A long pipeline's name is
    cut, which harms nothing: the key tells jobs apart.
    """
    tail = f"-{key[:KEY_DIGITS]}-g{generation}"
    head = "-".join(word for word in f"nightshift-{pipeline}".replace("_", "-").split("-") if word)
    return head[: NAME_LENGTH - len(tail)].rstrip("-") + tail


def result_of(job: Job, generation: int) -> dict[str, Any]:
    """Return what came out of a job.

    Raises:
        JobRunning: Nothing yet.
        JobFailed: Nothing, for good.
    """
    if job.state == "running":
        raise JobRunning(f"waiting for job {job.name} ({job.status}): {job.console}", job)
    if job.state == "failed":
        raise JobFailed(
            f"job {job.name} ended as {job.status}: {job.reason or 'the cloud gives no reason'}\n"
            f"  its page: {job.console}\n"
            f"It is not used again. A retry, or clearing the task, submits generation {generation + 1}: a new job, paid anew."
        )
    return {"job": job.name, "console": job.console, **job.result}


def finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that JSON has a word for: no NaN, no infinity."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


@contextmanager
def asking(what: str, refused: Callable[[Exception], bool]) -> Iterator[None]:
    """Say what goes wrong inside in our words.

    Args:
        what: What is asked, such as `SageMaker to describe job x`.
        refused: Whether an error means that the same question gets the same answer again; every other one may pass.

    Raises:
        CloudRefused, CloudUnavailable: Instead of the cloud's own errors.
    """
    try:
        yield
    except CloudError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {str(error)[:1000]}"
        if refused(error):
            raise CloudRefused(f"asked {what}, and was refused: {said}\n{AFTER_A_REFUSAL}") from error
        raise CloudUnavailable(f"asked {what}, and got no answer: {said}") from error


def is_refusal(status: int) -> bool:
    """Return whether an HTTP status says that the same question will be refused again."""
    return 400 <= status < 500 and status not in PATIENCE
