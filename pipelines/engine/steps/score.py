"""Score: one shard of a night, into one file that no table version names yet."""

from __future__ import annotations

from typing import Any

from model_registry import ModelVersion
from pipelines.engine.code import code_digest
from pipelines.engine.errors import ModelError, PathRefused, RowsChanged, StorageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.values import moment
from pipelines.engine.nights import parse_night
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.publication.delta import remove_unfinished
from pipelines.engine.publication.names import read_shard_path, shard_path
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.score_form import asked
from pipelines.engine.scoring import ShardScores, Stamp
from pipelines.engine.scoring_engines.base import ScoringEngine, ShardWork
from pipelines.engine.scoring_engines.local import LOCAL
from pipelines.engine.shards import Shard
from pipelines.engine.storage import Location
from pipelines.engine.telemetry.step import ran_by

STEP = "score"


def score_night_shard(
    runtime: Runtime, pipeline: Pipeline, task: dict[str, Any], engine: ScoringEngine = LOCAL
) -> dict[str, Any]:
    """Score one of the shards that `plan_night` gave; whichever engine does it, the key is the same.

    Returns:
        `night`, `number`, `of`, `path` (relative to the predictions table), `size`, `modified_ms`, `rows_in`,
        `rows_scored`, `rows_refused`, `score_sum`, `histogram`, `score_edges`, `model_version`, `scorer` ("plain" or "compiled"), `warning`
        (why the plain one stepped in, or None), `key`, and the task's `planned_at`.

    Raises:
        RowsChanged, RowsUnreadable: The rows are not the planned ones.
        ModelError: The model cannot score them, or is not the planned one.
        TamperedModel: A model file was changed after its registration.
        StorageError: The output cannot be written.
        EngineError: The engine cannot be used.
        UnknownNight, PathRefused: The task names no night, or files from elsewhere: somebody changed it on the way.
    """
    night, table = parse_night(task["night"]), runtime.predictions(pipeline)
    shard, key = shard_of(task), shard_key(pipeline, task)

    def work(hold: Hold) -> dict[str, Any]:
        ran_by(engine.name)
        version = planned_version(runtime, pipeline, task)
        path = shard_path(night, key.digest, hold.fence, hold.claim.claimed_at)
        remove_unfinished(table, night, key.digest, hold.fence)
        stamp = Stamp(version.version, key.digest, moment(hold.claim.claimed_at))
        quarantine = quarantine_of(runtime, pipeline, task)
        return _result(
            task,
            path,
            table,
            engine.score(
                ShardWork(
                    runtime, pipeline, shard, version, quarantine, task["quarantine_sha256"], stamp, output=table / path
                )
            ),
        )

    scored = runtime.run(key, work, outputs=lambda result: [table / result["path"]])
    return {**scored, "planned_at": task["planned_at"]}  # of this run, whoever scored the shard


def record_shard(
    runtime: Runtime, pipeline: Pipeline, task: dict[str, Any], path: str, scores: ShardScores
) -> dict[str, Any]:
    """Record a shard that a batch job scored, unless it has been scored otherwise meanwhile.

    Args:
        runtime: Doors to the outside.
        pipeline: What was scored.
        task: One of the shards that `plan_night` gave.
        path: The file that the job wrote, relative to the predictions table.
        scores: What the job says of it.

    Returns:
        What `score_night_shard` returns; where somebody else has scored the shard, what that one recorded.

    Raises:
        StorageError: The file is gone, or is none of this shard's.
    """
    table, key = runtime.predictions(pipeline), shard_key(pipeline, task)
    name = read_shard_path(path)
    if name is None or (name.night, name.key) != (task["night"], key.digest[:32]):
        raise PathRefused(f"{ascii(path)[:120]} is no file of {key}, so it is not recorded; run the job again")
    rows = shard_of(task).rows
    if scores.rows_in != rows:
        raise RowsChanged(f"a job read {scores.rows_in} rows of {key}, which has {rows}; nothing of it is recorded")

    def work(hold: Hold) -> dict[str, Any]:
        ran_by("job")
        return _result(task, path, table, scores)

    scored = runtime.run(key, work, outputs=lambda result: [table / result["path"]])
    return {**scored, "planned_at": task["planned_at"]}


def shard_of(task: dict[str, Any]) -> Shard:
    """Return the rows of a planned shard."""
    return Shard.from_json({"number": task["number"], "pieces": task["pieces"]})


def shard_key(pipeline: Pipeline, task: dict[str, Any]) -> TaskKey:
    """Return the key of a planned shard.

    Raises:
        UnknownNight: The task names no night.
    """
    shard = shard_of(task)
    return TaskKey(
        pipeline=pipeline.name,
        step=STEP,
        partition=f"{parse_night(task['night'])}#{shard.number}",
        inputs={
            "rows": shard.content,
            "refused": task["quarantine_sha256"],
            "model": [task["model_version"], task["model_digest"]],
        },
        parameters={
            "id_columns": list(pipeline.id_columns),
            "features": list(pipeline.features),
            "of": task["of"],
            **asked(pipeline),
        },
        code=code_digest("pipelines.engine.scoring", "pipelines.engine.package"),
    )


def planned_version(runtime: Runtime, pipeline: Pipeline, task: dict[str, Any]) -> ModelVersion:
    """Return the version that a shard was planned with.

    Raises:
        ModelError: It has another digest now.
    """
    version = runtime.registry.version(pipeline.name, task["model_version"])
    if version.digest != task["model_digest"]:
        raise ModelError(
            f"version {version.version} of {pipeline.name} was planned with digest {task['model_digest'][:12]} "
            f"and has {version.digest[:12]} now. Nothing was scored; run the night again."
        )
    return version


def quarantine_of(runtime: Runtime, pipeline: Pipeline, task: dict[str, Any]) -> Location | None:
    """Return the file with a planned shard's refused rows, or None.

    Raises:
        PathRefused: It lies elsewhere.
    """
    return runtime.quarantine(pipeline).recorded(task["quarantine"]) if task["quarantine"] else None


def _result(task: dict[str, Any], path: str, table: Location, scores: ShardScores) -> dict[str, Any]:
    found = (table / path).find()
    if found is None:
        raise StorageError(f"{table / path} was written and is gone; run the task again.")
    return {
        "night": task["night"],
        "number": task["number"],
        "of": task["of"],
        "path": path,
        "size": found.size,
        "modified_ms": found.modified_ns // 1_000_000,
        "rows_in": scores.rows_in,
        "rows_scored": scores.rows_scored,
        "rows_refused": scores.rows_refused,
        "score_sum": scores.score_sum,
        "histogram": list(scores.histogram),
        "score_edges": list(scores.edges),
        "model_version": task["model_version"],
        "scorer": scores.scorer,
        "warning": scores.warning,
    }
