"""Score: one shard of a night, into one file that no table version names yet."""

from __future__ import annotations

from typing import Any

from pipelines.engine.code import code_digest
from pipelines.engine.errors import ModelError, StorageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.values import moment
from pipelines.engine.nights import parse_night
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.publication.delta import remove_unfinished
from pipelines.engine.publication.names import shard_path
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.scoring import Stamp
from pipelines.engine.scoring_engines.base import ScoringEngine, ShardWork
from pipelines.engine.scoring_engines.local import LOCAL
from pipelines.engine.shards import Shard

STEP = "score"


def score_night_shard(
    runtime: Runtime, pipeline: Pipeline, task: dict[str, Any], engine: ScoringEngine = LOCAL
) -> dict[str, Any]:
    """Score one of the shards that `plan_night` gave; whichever engine does it, the key is the same.

    Returns:
        `night`, `number`, `of`, `path` (relative to the predictions table), `size`, `modified_ms`, `rows_in`,
        `rows_scored`, `rows_refused`, `score_sum`, `histogram`, `model_version`, `scorer` ("plain" or "compiled"), `warning`
        (why the plain one stepped in, or None), `key`, and the task's `planned_at`.

    Raises:
        RowsChanged, RowsUnreadable: The rows are not the planned ones.
        ModelError: The model cannot score them, or is not the planned one.
        TamperedModel: A model file was changed after its registration.
        StorageError: The output cannot be written.
        EngineError: The engine cannot be used.
        UnknownNight, PathRefused: The task names no night, or files from elsewhere: somebody changed it on the way.
    """
    shard = Shard.from_json({"number": task["number"], "pieces": task["pieces"]})
    night, table = parse_night(task["night"]), runtime.predictions(pipeline)
    key = TaskKey(
        pipeline=pipeline.name,
        step=STEP,
        partition=f"{night}#{shard.number}",
        inputs={
            "rows": shard.content,
            "refused": task["quarantine_sha256"],
            "model": [task["model_version"], task["model_digest"]],
        },
        parameters={"id_columns": list(pipeline.id_columns), "features": list(pipeline.features), "of": task["of"]},
        code=code_digest("pipelines.engine.scoring", "pipelines.engine.package"),
    )

    def work(hold: Hold) -> dict[str, Any]:
        version = runtime.registry.version(pipeline.name, task["model_version"])
        if version.digest != task["model_digest"]:
            raise ModelError(
                f"version {version.version} of {pipeline.name} was planned with digest {task['model_digest'][:12]} "
                f"and has {version.digest[:12]} now. Nothing was scored; run the night again."
            )
        quarantine = runtime.quarantine(pipeline).recorded(task["quarantine"]) if task["quarantine"] else None
        path = shard_path(night, key.digest, hold.fence, hold.claim.claimed_at)
        remove_unfinished(table, night, key.digest, hold.fence)
        stamp = Stamp(version.version, key.digest, moment(hold.claim.claimed_at))
        scores = engine.score(
            ShardWork(
                runtime, pipeline, shard, version, quarantine, task["quarantine_sha256"], stamp, output=table / path
            )
        )
        found = (table / path).find()
        if found is None:
            raise StorageError(f"{table / path} was written and is gone; run the task again.")
        return {
            "night": night,
            "number": shard.number,
            "of": task["of"],
            "path": path,
            "size": found.size,
            "modified_ms": found.modified_ns // 1_000_000,
            "rows_in": scores.rows_in,
            "rows_scored": scores.rows_scored,
            "rows_refused": scores.rows_refused,
            "score_sum": scores.score_sum,
            "histogram": list(scores.histogram),
            "model_version": version.version,
            "scorer": scores.scorer,
            "warning": scores.warning,
        }

    scored = runtime.run(key, work, outputs=lambda result: [table / result["path"]])
    return {**scored, "planned_at": task["planned_at"]}  # of this run, whoever scored the shard
