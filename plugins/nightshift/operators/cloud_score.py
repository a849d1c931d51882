"""Scoring in a cloud: all shards of a night as one Spark job, recorded under their own keys when it has ended."""

from __future__ import annotations

import json
import logging
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nightshift.cloud.errors import JobFailed
from nightshift.operators.cloud import CloudJobOperator
from pipelines.engine.errors import StorageError
from pipelines.engine.keys import TaskKey, digest_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from nightshift.cloud.jobs import Job
    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.run_once import Hold
    from pipelines.engine.runtime import Runtime
    from pipelines.engine.scoring_engines.base import ShardWork
    from pipelines.engine.storage import Location

log = logging.getLogger(__name__)
NO_FENCE = 0
"""In the names of the files that a job writes: no claim of their shards' keys ever has it, for fences begin at 1."""


class CloudScoreOperator(CloudJobOperator):
    """Score all shards of a night by one Spark job in a cloud; see `CloudJobOperator`.

    The job has a key of its own. What it is to do lies in a file in storage before it is submitted, and what came out in
    another one when it has ended; only then is each shard recorded under its own key. So a shard that was scored
    elsewhere meanwhile stays as it is, and a night that was begun elsewhere is only finished here.

    Args:
        shards: The output of a `PlanShardsOperator`.
        **arguments: Those of `CloudJobOperator`, `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("config", "shards")

    def __init__(self, *, shards: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.shards = shards
        self._runtime: Runtime | None = None
        self._pipeline: Pipeline | None = None

    @abstractmethod
    def with_arguments(self, config: dict[str, Any], arguments: list[str]) -> Mapping[str, Any]:
        """Return the configuration with the arguments of its program, which are those of `scoring_engines.job`."""

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> list[dict[str, Any]]:
        """Return what was written, shard after shard, as `ScoreOperator` does for one.

        Raises:
            JobFailed, JobTooSlow, CloudUnavailable, CloudRefused: See `nightshift.cloud.errors`.
            Whatever scoring raised in the job.
        """
        from pipelines.engine.scoring_engines.job import read_list
        from pipelines.engine.steps.score import score_night_shard

        self._runtime, self._pipeline = runtime, pipeline
        tasks = list(self.shards)
        if self._pending():
            done = self.run_job(runtime, self._key(tasks), outputs=self._files_of)
            self._record(read_list(self._answers(done["job"])))
        # Answered by the ledger; one whose file was removed since its job ended is scored here.
        scored = [score_night_shard(runtime, pipeline, task) for task in tasks]
        self.note(key=scored[0]["key"])
        return scored

    def prepared(self, hold: Hold, name: str) -> Mapping[str, Any]:
        """Write down what the job is to do, and return its configuration."""
        from pipelines.engine.scoring_engines.orders import Packages, make_order

        packages = Packages()
        orders = [make_order(work, packages.place(work)) for work in self._work(hold)]
        # Each holder writes a file of its own: one that lost its fence must not change what a job is about to read.
        file = (self._folder() / f"{name}-{hold.fence}.json").write_text(json.dumps(orders))
        log.info("%s shards are to be scored: %s", len(orders), file)
        return self.with_arguments(json.loads(json.dumps(self.config)), [str(file), str(self._answers(name))])

    def outcome(self, hold: Hold, job: Job) -> dict[str, Any]:
        """Return the job, if it scored every shard.

        Raises:
            JobRunning: It has not ended.
            JobFailed: It failed, or a shard did in a way that may pass; the next try is a new job.
            Whatever scoring raised in the job.
        """
        from pipelines.engine.scoring_engines.job import read_list

        ended = super().outcome(hold, job)
        try:
            answers = read_list(self._answers(job.name))
        except StorageError as error:
            if error.retryable:
                raise
            raise JobFailed(f"job {job.name} ended, and left no answers: {error}\n  its page: {job.console}") from error
        troubles = [trouble for trouble in map(_trouble, answers) if trouble]
        self._record(answers)  # first: those that went well are not done again
        for trouble in sorted(troubles, key=lambda trouble: getattr(trouble, "retryable", False)):
            if not getattr(trouble, "retryable", False):
                raise trouble
            raise JobFailed(
                f"job {job.name} could not score a shard: {trouble}\nThe retry, or clearing the task, submits a new job."
            ) from trouble
        if left := self._pending():
            raise JobFailed(
                f"job {job.name} says nothing of {len(left)} of {len(self.shards)} shards; the retry submits a new job for them"
            )
        return ended

    def _record(self, answers: Sequence[str]) -> None:
        """Record the shards of a job under their own keys, those that went well and are not recorded yet."""
        from pipelines.engine.paths import inside
        from pipelines.engine.scoring_engines.executor import read_answer
        from pipelines.engine.steps.score import record_shard, shard_key

        runtime, pipeline = self._doors()
        pending = {shard_key(pipeline, task).digest: task for task in self._pending()}
        for answer in answers:
            told = json.loads(answer)
            if _trouble(answer) is None and told["key"] in pending:
                path = inside(runtime.predictions(pipeline), told["output"])
                record_shard(runtime, pipeline, pending[told["key"]], path, read_answer(answer))

    def _folder(self) -> Location:
        from pipelines.engine.scoring_engines.job import jobs_folder

        return jobs_folder(*self._doors())

    def _answers(self, name: str) -> Location:
        return self._folder() / f"{name}.answers.json"

    def _files_of(self, result: dict[str, Any]) -> list[Location]:
        """Return the files that a finished job's record relies on."""
        from pipelines.engine.paths import inside
        from pipelines.engine.scoring_engines.job import read_list

        answers, table = self._answers(result["job"]), self._doors()[0].predictions(self._doors()[1])
        if not answers.exists():
            return [answers]
        return [answers, *(table / inside(table, json.loads(answer)["output"]) for answer in read_list(answers))]

    def _key(self, tasks: Sequence[dict[str, Any]]) -> TaskKey:
        from pipelines.engine.steps.score import shard_key

        _, pipeline = self._doors()
        return TaskKey(
            pipeline=pipeline.name,
            step=f"score_{self.cloud}",
            partition=tasks[0]["night"],
            inputs={
                "shards": digest_of([shard_key(pipeline, task).digest for task in tasks]),
                "config": self.config_digest(),
            },
            parameters=self.where(),
        )

    def _pending(self) -> list[dict[str, Any]]:
        """Return the shards that nobody has scored, or whose file is gone."""
        from pipelines.engine.steps.score import shard_key

        runtime, pipeline = self._doors()
        pending = []
        for task in self.shards:
            entry = runtime.ledger.entry(shard_key(pipeline, task).digest)
            result = entry.result if entry is not None and entry.state == "done" else None
            if result is None or not (runtime.predictions(pipeline) / result["path"]).exists():
                pending.append(task)
        return pending

    def _work(self, hold: Hold) -> Iterator[ShardWork]:
        from pipelines.engine.ledger.values import moment
        from pipelines.engine.publication.names import shard_path
        from pipelines.engine.scoring import Stamp
        from pipelines.engine.scoring_engines.base import ShardWork
        from pipelines.engine.steps.score import planned_version, quarantine_of, shard_key, shard_of

        runtime, pipeline = self._doors()
        for task in self._pending():
            key = shard_key(pipeline, task).digest
            version = planned_version(runtime, pipeline, task)
            yield ShardWork(
                runtime,
                pipeline,
                shard_of(task),
                version,
                quarantine_of(runtime, pipeline, task),
                task["quarantine_sha256"],
                Stamp(version.version, key, moment(hold.claim.claimed_at)),
                runtime.predictions(pipeline) / shard_path(task["night"], key, NO_FENCE, hold.claim.claimed_at),
            )

    def _doors(self) -> tuple[Runtime, Pipeline]:
        if self._runtime is None or self._pipeline is None:
            raise RuntimeError("`step` opens the doors before anything else")
        return self._runtime, self._pipeline


def _trouble(answer: str) -> Exception | None:
    """Return what went wrong with a shard, or None."""
    from pipelines.engine.scoring_engines.executor import read_answer

    try:
        read_answer(answer)
    except Exception as error:
        return error
    return None
