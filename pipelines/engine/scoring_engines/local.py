"""Score here, in this process."""

from __future__ import annotations

from pipelines.engine.package import load_scorer
from pipelines.engine.scoring import ShardScores, read_positions, score_shard
from pipelines.engine.scoring_engines.base import ScoringEngine, ShardWork
from pipelines.engine.steps.champion import fetch
from pipelines.engine.steps.compile import compiled_for


class LocalEngine:
    """One shard after another, in this process."""

    at_once = 1

    def score(self, work: ShardWork) -> ShardScores:
        """Score one shard; see `score_shard`."""
        runtime, rows = work.runtime, work.shard.rows
        compiled = compiled_for(runtime, work.pipeline, work.version, rows)
        scorer = load_scorer(fetch(runtime, work.version), compiled=compiled)
        refused = read_positions(work.quarantine, work.quarantine_sha256)
        return score_shard(
            work.pipeline,
            work.shard,
            scorer,
            refused,
            work.stamp,
            work.output,
            runtime.rows_folder(work.pipeline),
            threads=runtime.settings.cores,
            progress=runtime.progress,
        )

    def stop(self) -> None:
        """Nothing runs but in the caller."""

    def close(self) -> None:
        """Nothing is open."""


LOCAL: ScoringEngine = LocalEngine()
