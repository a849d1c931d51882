"""Plan: pin the champion for the whole run, and cut the night into shards."""

from __future__ import annotations

from typing import Any

from pipelines.engine.code import code_digest
from pipelines.engine.errors import RowsChanged
from pipelines.engine.keys import TaskKey, digest_of
from pipelines.engine.nights import parse_night
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.rows import fingerprint
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.shards import plan_shards
from pipelines.engine.steps.champion import require_champion
from pipelines.engine.steps.validate import night_files

STEP = "plan"


def plan_night(runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any]) -> list[dict[str, Any]]:
    """Say what each scoring task does.

    Args:
        runtime: Doors to the outside.
        pipeline: What is scored.
        checked: The result of `validate_night`.

    Returns:
        One plain value per shard, complete in itself: `night`, `number`, `of`, `pieces`, `model_version`,
        `model_digest`, `quarantine`, `quarantine_sha256`, `plan_key`, `planned_at` (seconds since 1970, by the ledger's
        clock): of two runs that publish the same night, the one that was planned later wins.

    Raises:
        NoChampion: No version has earned the right to score.
        RowsChanged: The files are no longer the ones that were checked.
        RegistryUnavailable: MLflow does not answer.
    """
    night = parse_night(checked["night"])
    files = night_files(runtime, pipeline, night)
    if fingerprint(files) != checked["fingerprint"]:
        raise RowsChanged(
            f"the rows of {pipeline.name} {night} are no longer the ones that were checked "
            f"(checked {checked['fingerprint'][:12]}, now {fingerprint(files)[:12]}).\n"
            "Nothing was scored. Run the night again, so that the new rows are checked first."
        )
    champion = require_champion(runtime, pipeline)
    shards = plan_shards(files, pipeline.shard_bytes, pipeline.most_shards)
    key = TaskKey(
        pipeline=pipeline.name,
        step=STEP,
        partition=night,
        inputs={"checked": checked["key"], "model": [champion.version, champion.digest]},
        parameters={"shard_bytes": pipeline.shard_bytes, "most_shards": pipeline.most_shards},
        code=code_digest("pipelines.engine.shards", "pipelines.engine.rows"),
    )

    def work(hold: Hold) -> dict[str, Any]:
        return {"night": night, "model_version": champion.version, "shards": len(shards), "rows_in": checked["rows_in"]}

    planned = runtime.run(key, work, payload=digest_of([shard.content for shard in shards]))
    planned_at = runtime.ledger.now()
    return [
        {
            "night": night,
            "of": len(shards),
            **shard.to_json(),
            "model_version": champion.version,
            "model_digest": champion.digest,
            "quarantine": checked["quarantine"],
            "quarantine_sha256": checked["quarantine_sha256"],
            "plan_key": planned["key"],
            "planned_at": planned_at,
        }
        for shard in shards
    ]
