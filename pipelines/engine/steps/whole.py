"""A whole night and a whole training, step after step in this process: what the command line and tests run."""

from __future__ import annotations

from typing import Any

from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime
from pipelines.engine.scoring_engines.base import ScoringEngine
from pipelines.engine.scoring_engines.local import LOCAL
from pipelines.engine.steps.evaluate import evaluate
from pipelines.engine.steps.monitor import monitor_night
from pipelines.engine.steps.plan import plan_night
from pipelines.engine.steps.promote import promote, register
from pipelines.engine.steps.publish import publish_night
from pipelines.engine.steps.score_night import score_night
from pipelines.engine.steps.search import run_search
from pipelines.engine.steps.train import train
from pipelines.engine.steps.validate import validate_night
from pipelines.engine.steps.validate_training import validate_training

TOLD_OF_TRAINING = (
    *("kind", "metrics", "intervals", "slices", "baseline", "score_edges"),
    *("rows", "url", "report", "search"),
)


def run_night(runtime: Runtime, pipeline: Pipeline, night: str, engine: ScoringEngine = LOCAL) -> dict[str, Any]:
    """Validate, plan, score, publish and monitor one night; the engine says where it is scored.

    Returns:
        What `publish_night` returns, with `report`, `quarantine` and `warnings` of the other steps.

    Raises:
        Whatever the steps raise.
    """
    runtime.progress(0, 5, f"{night}: checking")
    checked = validate_night(runtime, pipeline, night)
    shards = plan_night(runtime, pipeline, checked)

    def scoring(number: int) -> None:
        runtime.progress(1, 5, f"{night}: scoring shard {number} of {len(shards)}")

    scored = score_night(runtime, pipeline, shards, engine, scoring)
    runtime.progress(3, 5, f"{night}: publishing")
    published = publish_night(runtime, pipeline, checked, scored)
    runtime.progress(4, 5, f"{night}: monitoring")
    seen = monitor_night(runtime, pipeline, checked, published)
    runtime.progress(5, 5, f"{night}: published")
    kept = {name: checked[name] for name in ("report", "quarantine")}
    return {**published, **kept, "warnings": seen["warnings"]}


def run_training(runtime: Runtime, pipeline: Pipeline, as_of: str, *, actor: str) -> dict[str, Any]:
    """Validate, search if the pipeline declares it, train, evaluate, register and, if the gate opens, promote.

    Returns:
        What `promote` returns, with `kind`, `metrics`, `intervals`, `slices`, `baseline`, `score_edges`, `rows`, `url`, `report` and
        `search` of the training, and `difference` of the evaluation.

    Raises:
        Whatever the steps raise.
    """
    checked = validate_training(runtime, pipeline, as_of)
    best = run_search(runtime, pipeline, checked) if pipeline.search else None
    trained = train(runtime, pipeline, checked, best)
    judged = evaluate(runtime, pipeline, checked, trained)
    registered = register(runtime, pipeline, trained, judged)
    promoted = promote(runtime, pipeline, registered, judged, actor=actor)
    return {**promoted, "difference": judged["difference"], **{name: trained[name] for name in TOLD_OF_TRAINING}}
