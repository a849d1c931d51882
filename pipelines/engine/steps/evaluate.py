"""Evaluate: champion and challenger on the same holdout, and the gate's verdict."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipelines.engine.code import code_digest
from pipelines.engine.errors import RowsChanged
from pipelines.engine.gate import judge
from pipelines.engine.keys import TaskKey
from pipelines.engine.metrics import metrics_of
from pipelines.engine.nights import parse_night
from pipelines.engine.package import load_scorer
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.steps.champion import fetch, find_champion
from pipelines.engine.steps.window import find_window, load_data


def evaluate(runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any], trained: dict[str, Any]) -> dict[str, Any]:
    """Judge a trained model.

    Args:
        runtime: Doors to the outside.
        pipeline: Says what the gate asks.
        checked: The result of `validate_training`.
        trained: The result of `train`.

    Returns:
        `as_of`, `opened`, `reasons`, `metrics`, `champion_version`, `champion_metrics` (or None), `key`.

    Raises:
        RowsChanged: The files are no longer the ones that were trained on.
        RegistryUnavailable: MLflow does not answer.
    """
    as_of = parse_night(checked["as_of"])
    champion = find_champion(runtime, pipeline)
    opponent = champion.digest if champion else None
    if opponent == trained["model_digest"]:
        # It became champion since: the verdict that made it so stands, instead of a match against itself.
        champion, opponent = None, _opponent_of_then(runtime, pipeline, as_of, trained["key"])
    key = TaskKey(
        pipeline=pipeline.name,
        step="evaluate",
        partition=as_of,
        inputs={"trained": trained["key"], "champion": opponent},
        parameters=asdict(pipeline.gate),
        code=code_digest("pipelines.engine.gate", "pipelines.engine.metrics"),
    )

    def work(hold: Hold) -> dict[str, Any]:
        champion_metrics = None
        if champion:
            window = find_window(runtime, pipeline, as_of)
            if window.fingerprint != checked["fingerprint"]:
                raise RowsChanged(
                    f"the training window of {pipeline.name} as of {as_of} changed after the training; run the training again"
                )
            holdout = load_data(runtime, pipeline, window, checked, window.holdout, pipeline.features)
            scorer = load_scorer(fetch(runtime, champion))
            champion_metrics = metrics_of(holdout.target, scorer.predict(holdout.table))
        verdict = judge(pipeline.gate, trained["metrics"], champion_metrics)
        return {
            "as_of": as_of,
            "opened": verdict.opened,
            "reasons": list(verdict.reasons),
            "metrics": trained["metrics"],
            "champion_version": champion.version if champion else None,
            "champion_metrics": champion_metrics,
        }

    return runtime.run(key, work)


def _opponent_of_then(runtime: Runtime, pipeline: Pipeline, as_of: str, trained: str) -> str | None:
    for entry in runtime.ledger.entries(pipeline=pipeline.name, step="evaluate", partition=as_of):
        if entry.state == "done" and entry.identity["inputs"]["trained"] == trained:
            opponent: str | None = entry.identity["inputs"]["champion"]
            return opponent
    return None
