"""Work in a cloud: one job per task key and generation, adopted by whoever comes later, waited for without a worker."""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from nightshift.cloud import Cloud, open_jobs
from nightshift.cloud.errors import JobRunning, JobTooSlow
from nightshift.cloud.jobs import Job, job_name, result_of
from nightshift.links import JobLink, KeyLink
from nightshift.operators.base import StepOperator, partition_of
from nightshift.triggers import CloudJobTrigger
from pipelines.engine.errors import DeclarationError, UsageError
from pipelines.engine.keys import TaskKey, digest_of
from pipelines.engine.moments import reached

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink, Context

    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.run_once import Hold
    from pipelines.engine.runtime import Runtime
    from pipelines.engine.storage import Location

log = logging.getLogger(__name__)


class CloudJobOperator(StepOperator):
    """Have something done by a job in a cloud, once per key.

    The job's name is the key and its generation. A job of that name is adopted, whoever submitted it; a job that failed or
    was stopped ends the generation, and only the next try submits another one. Trouble in talking to the cloud is tried
    again and never starts a second job.

    While the job runs, the key is not held: another run of the same work waits for the same job. Clearing or killing the
    task leaves the job alone, unless `stop_on_kill` says otherwise: the next try adopts it.

    Each retry after a failed job is a new job and is paid for; `retries` is also your budget.

    Args:
        config: The job, as the cloud's interface takes it, without a name. A template; keep everything out that changes
            from try to try.
        poll_seconds: How often the cloud is asked while the job runs.
        wait_at_most: How long one try waits; then it fails, the job goes on, and clearing the task waits again.
        deferrable: Wait without a worker.
        stop_on_kill: Stop the job when somebody ends the task by hand.
        **arguments: `pipeline`, and Airflow's own.

    Raises:
        DeclarationError: The configuration cannot be a job's.
    """

    template_fields: Sequence[str] = ("config",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"config": "json"}
    operator_extra_links: Collection[BaseOperatorLink] = (JobLink(), KeyLink())
    cloud: ClassVar[Cloud]
    needed: ClassVar[Mapping[str, str]] = {}  # what a configuration must have, and an example of it
    named_by_us: ClassVar[str]  # what it must not have

    def __init__(
        self,
        *,
        config: Any,
        poll_seconds: float = 30.0,
        wait_at_most: timedelta | None = None,
        deferrable: bool = True,
        stop_on_kill: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.config = config
        self.poll_seconds = poll_seconds
        self.wait_at_most = wait_at_most
        self.deferrable = deferrable
        self.stop_on_kill = stop_on_kill
        self._woken_by: dict[str, Any] = {}
        self._running: Job | None = None
        self._check_config()

    @abstractmethod
    def place(self) -> dict[str, Any]:
        """Return the arguments of the door to the cloud: the connection, and where the jobs run."""

    @abstractmethod
    def where(self) -> dict[str, Any]:
        """Return what of the place belongs to the key: a job in another region is another job."""

    def prepared(self, hold: Hold, name: str) -> Mapping[str, Any]:
        """Return the configuration of the job that is about to be submitted under a name."""
        return dict(self.config)

    def outcome(self, hold: Hold, job: Job) -> dict[str, Any]:
        """Return what came out of a job.

        Raises:
            JobRunning: Nothing yet.
            JobFailed: Nothing, for good.
        """
        return result_of(job, hold.claim.generation)

    def run_job(
        self,
        runtime: Runtime,
        key: TaskKey,
        outputs: Callable[[dict[str, Any]], list[Location]] | None = None,
    ) -> dict[str, Any]:
        """Return what came out of the job of a key, which is submitted, adopted or waited for as needed.

        Raises:
            JobFailed, JobTooSlow, CloudUnavailable, CloudRefused: See `nightshift.cloud.errors`.
        """
        while True:
            try:
                return runtime.run(key, lambda hold: self._look(key, hold), outputs=outputs)
            except JobRunning as running:
                self._wait(running.job)

    def resume(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """Go on after the job ended, or after the key became free."""
        self._woken_by = event or {}
        return super().resume(context, event)

    def after(self, result: Any) -> None:
        """Note what the links on the task instance point to."""
        super().after(result)
        if isinstance(result, dict):
            self.link_targets["job"] = result["console"]

    def on_kill(self) -> None:
        """Stop the job if that is wanted; by default it goes on, and the next try adopts it."""
        if self._running is not None and self.stop_on_kill:
            open_jobs(self.cloud, self.place()).stop(self._running.id)

    def _look(self, key: TaskKey, hold: Hold) -> dict[str, Any]:
        """Find the job or submit it, and say what came out; called while the key is held."""
        self.note(key=key.digest)
        jobs = open_jobs(self.cloud, self.place())
        name = job_name(key.pipeline, key.digest, hold.claim.generation)
        known = self._woken_by.get("job")
        job = jobs.find(name, known)
        if job is None:
            config = self.prepared(hold, name)
            hold.check()
            reached("may submit")
            job = jobs.submit(name, config)
            reached("submitted")
            log.info("submitted job %s: %s", name, job.console)
        elif job.id != known:
            log.info("adopted job %s, submitted earlier: %s", name, job.console)
        self.link_targets["job"] = job.console
        return self.outcome(hold, job)

    def _wait(self, job: Job) -> None:
        """Defer until the job has ended, or wait here if this task may not be deferred."""
        if self._woken_by.get("timed_out"):
            raise JobTooSlow(
                f"job {job.name} ({job.status}) has not ended within {self.wait_at_most}: {job.console}\n"
                "It goes on and is paid for. Clear the task to wait for it again, or stop it there."
            )
        self._running = job
        trigger = CloudJobTrigger(self.cloud, self.place(), job.id, self.poll_seconds, self._until(), self.stop_on_kill)
        if self.deferrable:
            log.info("waiting for job %s without a worker", job.name)
            self.defer(trigger=trigger, method_name="resume")
        log.info("waiting for job %s", job.name)
        while (event := trigger.ask()) is None:
            time.sleep(self.poll_seconds)
        self._woken_by = event

    def _until(self) -> float | None:
        if self._woken_by.get("until") is not None:
            return float(self._woken_by["until"])
        return time.time() + self.wait_at_most.total_seconds() if self.wait_at_most is not None else None

    def config_digest(self) -> str:
        """Return a digest of the configuration.

        Raises:
            UsageError: It is not plain JSON.
        """
        try:
            return digest_of(self.config)
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"{self.task_id}: config must be plain JSON, which makes the job's key; {error}"
            ) from error

    def _check_config(self) -> None:
        """A config that comes from another task is checked by the cloud."""
        if not isinstance(self.config, Mapping):
            return
        if self.named_by_us in self.config:
            raise DeclarationError(
                f"{self.task_id}: config has {self.named_by_us} = {self.config[self.named_by_us]!r}. Leave it out: the job is "
                "named by its key, so that a retry finds it again."
            )
        missing = [f"{name}, such as {example}" for name, example in self.needed.items() if name not in self.config]
        if missing:
            raise DeclarationError(f"{self.task_id}: config lacks {'; and '.join(missing)}")


class CloudTrainOperator(CloudJobOperator):
    """Train in a cloud, once per key: pipeline, night, configuration, inputs and place; see `CloudJobOperator`.

    Args:
        as_of: The night as of which is trained; the run's partition key by default.
        inputs: Whatever else determines the model, by name, such as the fingerprint of the checked rows. A template.
        **arguments: Those of `CloudJobOperator`, `pipeline`, and Airflow's own.

    Raises:
        DeclarationError: The configuration cannot be a job's.
    """

    template_fields: Sequence[str] = ("config", "as_of", "inputs")
    template_fields_renderers: ClassVar[dict[str, str]] = {"config": "json", "inputs": "json"}

    def __init__(
        self, *, as_of: str = "{{ partition_key }}", inputs: Mapping[str, Any] | None = None, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.as_of = as_of
        self.inputs = inputs

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return what came out of the job: `job`, `resource`, `model`, `metrics`, `billable_seconds`, `console`, `key`.

        Raises:
            JobFailed, JobTooSlow, CloudUnavailable, CloudRefused: See `nightshift.cloud.errors`.
        """
        return self.run_job(runtime, self._key(pipeline))

    def _key(self, pipeline: Pipeline) -> TaskKey:
        config = self.config_digest()
        return TaskKey(
            pipeline=pipeline.name,
            step=f"train_{self.cloud}",
            partition=partition_of(self.as_of, self.dag_id, "night to train as of"),
            inputs={**(self.inputs or {}), "config": config},
            parameters=self.where(),
        )
