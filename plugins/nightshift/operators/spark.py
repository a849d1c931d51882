"""Scoring a night on a Spark cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nightshift.operators.base import StepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.runtime import Runtime
    from pipelines.engine.scoring_engines.base import ScoringEngine


class ScoreOnSparkOperator(StepOperator):
    """Score all shards of a night on an existing Spark cluster.

    One task that holds the keys of its shards while the executors score them. Shards that were scored before, on Spark or
    here, are not sent. Ending the task ends its Spark jobs.

    Args:
        shards: The output of a `PlanShardsOperator`.
        spark_conn_id: Airflow connection of type `spark` or `spark_connect`; what the settings say by default.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("shards", "spark_conn_id")

    def __init__(self, *, shards: Any, spark_conn_id: str | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.shards = shards
        self.spark_conn_id = spark_conn_id
        self._engine: ScoringEngine | None = None

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> list[dict[str, Any]]:
        """Return what was written, shard after shard; see `pipelines.engine.steps.score_night`."""
        from nightshift.connections.spark import open_scoring_engine
        from pipelines.engine.steps.score_night import score_night

        self._engine = open_scoring_engine("spark", runtime.settings, self.spark_conn_id)
        try:
            scored = score_night(runtime, pipeline, list(self.shards), self._engine)
        finally:
            self._engine.close()
        self.note(key=scored[0]["key"])
        return scored

    def on_kill(self) -> None:
        """End what runs on the cluster for this task."""
        if self._engine is not None:
            self._engine.stop()
