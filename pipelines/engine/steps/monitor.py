"""Monitor: do last night's scores look like the training's, and how good were they where labels have arrived?"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_checks import population_stability_index
from pipelines.engine.code import code_digest
from pipelines.engine.keys import TaskKey
from pipelines.engine.metrics import metrics_of
from pipelines.engine.package import read_profile
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.publication import open_or_create, published_files
from pipelines.engine.rows import NightFile, find_files, fingerprint, inspect_files, read_frame, read_table
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.scoring import output_schema
from pipelines.engine.steps.champion import fetch

if TYPE_CHECKING:
    import pandas as pd

STEP = "monitor"
MOVED = 0.25
"""The customary reading of a population stability index: below 0.1 stable, above 0.25 moved."""


def monitor_night(
    runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any], published: dict[str, Any]
) -> dict[str, Any]:
    """Compare a published night with the training of its model, and measure the newest night with labels.

    Returns:
        `night`, `score_stability` (population stability index of the scores), `drift` (of the features furthest from
        training), `realized` (metrics of the newest labelled night, or None), `warnings` in words, `key`.

    Raises:
        RegistryUnavailable: MLflow does not answer.
        StorageError: The table cannot be read.
    """
    night = published["night"]
    labelled = _newest_labelled(runtime, pipeline, night)
    key = TaskKey(
        pipeline=pipeline.name,
        step=STEP,
        partition=night,
        inputs={"published": published["key"], "checked": checked["key"], "labelled": _names(labelled)},
        code=code_digest(__name__),
    )

    def work(hold: Hold) -> dict[str, Any]:
        version = runtime.registry.version(pipeline.name, published["model_version"])
        expected = read_profile(fetch(runtime, version))["score"]
        stability = round(population_stability_index(expected, published["histogram"]), 4)
        return {
            "night": night,
            "score_stability": stability,
            "drift": checked["drift"],
            "realized": _realized(pipeline, labelled) if labelled else None,
            "warnings": warnings_of(stability, checked["summary"]),
        }

    return runtime.run(key, work)


def warnings_of(stability: float, summary: dict[str, Any]) -> list[str]:
    """Say in words what a person should look at; empty if nothing."""
    found = []
    if stability > MOVED:
        found.append(f"the scores moved away from the training's (stability index {stability:.2f}, above {MOVED})")
    warned = summary["failed_by_severity"]["warning"]
    if warned:
        found.append(f"{warned} expectations of {summary['suite']} warned; see the check report")
    return found


class _Labelled:
    """A published night whose labels are there: its prediction files and its label files."""

    def __init__(self, night: str, predictions: list[Path], labels: list[NightFile]) -> None:
        self.night = night
        self.predictions = predictions
        self.labels = labels


def _newest_labelled(runtime: Runtime, pipeline: Pipeline, night: str) -> _Labelled | None:
    """Find the newest night whose labels have arrived when `night` begins, if it was published."""
    newest = (date.fromisoformat(night) - timedelta(days=pipeline.labels.lag_nights)).isoformat()
    folder = runtime.predictions(pipeline)
    files = published_files(open_or_create(folder, output_schema(pipeline)), newest)
    labels = runtime.labels_folder(pipeline)
    if not files or not ((labels / f"{newest}.parquet").exists() or (labels / newest).is_dir()):
        return None
    found = inspect_files(find_files(labels, newest), pipeline.labels.columns)
    return _Labelled(newest, [folder / file for file in files], found)


def _names(labelled: _Labelled | None) -> list[Any] | None:
    if labelled is None:
        return None
    return [labelled.night, sorted(path.name for path in labelled.predictions), fingerprint(labelled.labels)]


def _realized(pipeline: Pipeline, labelled: _Labelled) -> dict[str, Any]:
    """Join predictions with labels: metrics, and the share of predictions that have a label."""
    import pandas as pd

    ids, target = list(pipeline.id_columns), pipeline.labels.target
    scores: pd.DataFrame = pd.concat([read_table(path, [*ids, "score"]).to_pandas() for path in labelled.predictions])
    labels = read_frame(labelled.labels, [*ids, target])
    joined = scores.merge(labels, on=ids, how="inner")
    return {
        "night": labelled.night,
        "rows": len(scores),
        "labelled": len(joined),
        **metrics_of(joined[target].to_numpy(), joined["score"].to_numpy()),
    }
