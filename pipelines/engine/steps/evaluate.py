"""Evaluate: champion and challenger on the same holdout, and the gate's verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_registry import ModelVersion
from pipelines.engine.code import code_digest
from pipelines.engine.errors import RowsChanged
from pipelines.engine.gate import judge
from pipelines.engine.keys import TaskKey
from pipelines.engine.labelled import Labelled
from pipelines.engine.metrics import metrics_of
from pipelines.engine.nights import parse_night
from pipelines.engine.package import load_scorer, read_form
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.steps.champion import fetch, find_champion
from pipelines.engine.steps.window import find_window, load_data
from pipelines.engine.uncertainty import difference_of

if TYPE_CHECKING:
    import numpy as np


def evaluate(runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any], trained: dict[str, Any]) -> dict[str, Any]:
    """Judge a trained model.

    Args:
        runtime: Doors to the outside.
        pipeline: Says what the gate asks.
        checked: The result of `validate_training`.
        trained: The result of `train`.

    Returns:
        `as_of`, `opened`, `reasons`, `metrics`, `champion_version`, `champion_metrics` (or None), `difference` (challenger
        minus champion in the gate's metric: `metric`, `value`, `low` and `high` of its 95 % interval; or None), `key`.

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
        code=code_digest("pipelines.engine.gate", "pipelines.engine.metrics", "pipelines.engine.uncertainty"),
    )

    def work(hold: Hold) -> dict[str, Any]:
        match = _match(runtime, pipeline, checked, trained, champion) if champion else _Match()
        verdict = judge(pipeline.gate, trained["metrics"], match.champion_metrics, match.difference)
        return {
            "as_of": as_of,
            "opened": verdict.opened,
            "reasons": [*verdict.reasons, *match.words],
            "metrics": trained["metrics"],
            "champion_version": champion.version if champion else None,
            "champion_metrics": match.champion_metrics,
            "difference": match.difference,
        }

    return runtime.run(key, work)


@dataclass(frozen=True)
class _Match:
    """How the champion did on the holdout, and by how much the challenger differs; or in words why there was no match."""

    champion_metrics: dict[str, float] | None = None
    difference: dict[str, Any] | None = None
    words: tuple[str, ...] = ()


def _match(
    runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any], trained: dict[str, Any], champion: ModelVersion
) -> _Match:
    """Score the holdout with both, as the packages that are kept do it."""
    window = find_window(runtime, pipeline, checked["as_of"])
    if window.fingerprint != checked["fingerprint"]:
        raise RowsChanged(
            f"the training window of {pipeline.name} as of {checked['as_of']} changed after the training; "
            "run the training again"
        )
    package = fetch(runtime, champion)
    misfit = read_form(package).misfit(pipeline)
    if misfit:
        return _Match(words=(f"version {champion.version}, the champion, {misfit}: the two are not compared",))
    holdout = load_data(runtime, pipeline, window, checked, window.holdout, pipeline.features)
    theirs = _scored(package, holdout)
    kept = runtime.registry.fetch_trained(trained["run_id"], trained["model_digest"], runtime.settings.cache)
    difference = difference_of(pipeline.gate.metric, pipeline.kind, _scored(kept, holdout), theirs)
    return _Match(metrics_of(*theirs, pipeline.kind), difference)


def _scored(package: Path, holdout: Labelled) -> tuple[np.ndarray, np.ndarray]:
    """Return the targets and a model's scores of the holdout, as metrics take them."""
    form = read_form(package)
    return form.measurable(holdout.target, form.checked(load_scorer(package).predict(holdout.table), holdout.rows))


def _opponent_of_then(runtime: Runtime, pipeline: Pipeline, as_of: str, trained: str) -> str | None:
    for entry in runtime.ledger.entries(pipeline=pipeline.name, step="evaluate", partition=as_of):
        if entry.state == "done" and entry.identity["inputs"]["trained"] == trained:
            opponent: str | None = entry.identity["inputs"]["champion"]
            return opponent
    return None
