"""The operators of a night: validate -> plan -> score (each shard) -> publish -> monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nightshift.links import KeyLink, NightReportLink, ReportLink
from nightshift.operators.base import StepOperator, partition_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow.sdk import BaseOperatorLink, Context

    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.runtime import Runtime


class ValidateOperator(StepOperator):
    """Check a night's rows: refused rows go to quarantine, a critical fault stops the night.

    Args:
        night: The night; the run's partition key by default.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("night",)
    operator_extra_links: Collection[BaseOperatorLink] = (ReportLink(), KeyLink())

    def __init__(self, *, night: str = "{{ partition_key }}", **arguments: Any) -> None:
        super().__init__(**arguments)
        self.night = night

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return what was checked; see `pipelines.engine.steps.validate`."""
        from pipelines.engine.steps.validate import validate_night

        return validate_night(runtime, pipeline, partition_of(self.night, self.dag_id))


class PlanShardsOperator(StepOperator):
    """Pin the champion, and cut a night into shards: a list to expand a `ScoreOperator` over.

    Args:
        checked: The output of a `ValidateOperator`.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("checked",)

    def __init__(self, *, checked: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.checked = checked

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> list[dict[str, Any]]:
        """Return the shards; see `pipelines.engine.steps.plan`."""
        from pipelines.engine.steps.plan import plan_night

        shards = plan_night(runtime, pipeline, self.checked)
        self.note(key=shards[0]["plan_key"])
        return shards


class ScoreOperator(StepOperator):
    """Score one shard.

    Args:
        shard: One of the shards that a `PlanShardsOperator` gave.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("shard",)

    def __init__(self, *, shard: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.shard = shard

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return what was written; see `pipelines.engine.steps.score`."""
        from pipelines.engine.steps.score import score_night_shard

        return score_night_shard(runtime, pipeline, self.shard)


class PublishOperator(StepOperator):
    """Reconcile the counts, and make a night's scores visible in one commit.

    Args:
        checked: The output of a `ValidateOperator`.
        scored: The output of the mapped `ScoreOperator`.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("checked", "scored")

    def __init__(self, *, checked: Any, scored: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.checked = checked
        self.scored = scored

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return what was published; see `pipelines.engine.steps.publish`."""
        from pipelines.engine.steps.publish import publish_night

        scored = [self.scored] if isinstance(self.scored, dict) else list(self.scored)
        return publish_night(runtime, pipeline, self.checked, scored)


class MonitorOperator(StepOperator):
    """Compare a published night with the training of its model, and measure the newest night with labels.

    Args:
        checked: The output of a `ValidateOperator`.
        published: The output of a `PublishOperator`.
        **arguments: `pipeline`, and Airflow's own.
    """

    template_fields: Sequence[str] = ("checked", "published")
    operator_extra_links: Collection[BaseOperatorLink] = (NightReportLink(), KeyLink())

    def __init__(self, *, checked: Any, published: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.checked = checked
        self.published = published

    def step(self, runtime: Runtime, pipeline: Pipeline, context: Context) -> dict[str, Any]:
        """Return what was seen; see `pipelines.engine.steps.monitor`."""
        from pipelines.engine.steps.monitor import monitor_night

        seen = monitor_night(runtime, pipeline, self.checked, self.published)
        for warning in seen["warnings"]:
            self.log.warning("%s", warning)
        return seen
