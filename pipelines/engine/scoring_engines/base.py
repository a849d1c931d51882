"""What an engine is told, and what it must do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from model_registry import ModelVersion
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime
from pipelines.engine.scoring import ShardScores, Stamp
from pipelines.engine.shards import Shard
from pipelines.engine.storage import Location


@dataclass(frozen=True)
class ShardWork:
    """One shard, whose key is held while it is scored.

    Attributes:
        runtime: Doors to the outside.
        pipeline: Says which columns are ids and features.
        shard: The row groups to read.
        version: The planned version; its digest was compared.
        quarantine: The file with the refused rows, or None.
        quarantine_sha256: Digest of its bytes.
        stamp: Carried by every row.
        output: The shard file to write, whole or not at all.
    """

    runtime: Runtime
    pipeline: Pipeline
    shard: Shard
    version: ModelVersion
    quarantine: Location | None
    quarantine_sha256: str | None
    stamp: Stamp
    output: Location


class ScoringEngine(Protocol):
    """Scores shards somewhere."""

    @property
    def name(self) -> str:
        """Where: `local` in this process, whose cost is known; `spark` and others elsewhere."""

    @property
    def at_once(self) -> int:
        """How many shards it takes at the same time."""

    def score(self, work: ShardWork) -> ShardScores:
        """Score one shard into its output; called from several threads.

        Raises:
            RowsChanged, RowsUnreadable, ModelError, TamperedModel, StorageError: As `score_shard` does, wherever it ran.
            EngineError: The engine itself cannot be used.
        """

    def stop(self) -> None:
        """Give up what runs now; whoever waits for it gets an error."""

    def close(self) -> None:
        """Leave; it opens again when it is used again."""
