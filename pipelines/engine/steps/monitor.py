"""Monitor: do the published scores look like those of the training's holdout nights?"""

from __future__ import annotations

from typing import Any

from data_checks import population_stability_index
from pipelines.engine.code import code_digest
from pipelines.engine.keys import TaskKey
from pipelines.engine.package import read_profile
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.steps.champion import fetch

STEP = "monitor"
UNUSUAL = 3.0
"""Standard deviations between a night's mean score and the holdout nights' before a person is told."""
FEWEST_NIGHTS = 7
"""With fewer holdout nights their standard deviation says nothing."""


def monitor_night(
    runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any], published: dict[str, Any]
) -> dict[str, Any]:
    """Compare a published night with the training of its model.

    Returns:
        `night`, `score_mean`, `deviations` (of the night's mean score from the holdout nights', in their standard
        deviations), `training_histogram` (of the scores of its holdout rows), `score_stability` (population stability index of the scores), `drift` (of the features furthest
        from training), `warnings` in words, `night_report` (a path, or None if none could be written), `key`.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    key = TaskKey(
        pipeline=pipeline.name,
        step=STEP,
        partition=published["night"],
        inputs={"published": published["key"], "checked": checked["key"]},
        code=code_digest(__name__),
    )

    def work(hold: Hold) -> dict[str, Any]:
        version = runtime.registry.version(pipeline.name, published["model_version"])
        profile = read_profile(fetch(runtime, version))
        mean = published["score_mean"]
        nights = profile.get("score_nights", {})  # models of earlier versions carry none
        deviations = deviations_of(mean, nights)
        result = {
            "night": published["night"],
            "score_mean": mean,
            "deviations": deviations,
            "training_histogram": profile["score"],
            "score_stability": round(population_stability_index(profile["score"], published["histogram"]), 4),
            "drift": checked["drift"],
            "warnings": [
                *published.get("warnings", ()),  # nights of earlier versions have none
                *warnings_of(mean, deviations, nights, checked["summary"]),
            ],
        }
        return {**result, "night_report": _report(runtime, pipeline, hold, result)}

    return runtime.run(key, work)


def _report(runtime: Runtime, pipeline: Pipeline, hold: Hold, result: dict[str, Any]) -> str | None:
    """Write the night report; it comes after the publication, so it delays no reader."""
    from pipelines.engine.reports.writing import write_night_report

    return write_night_report(runtime, pipeline, hold, result)


def deviations_of(mean: float, nights: dict[str, float]) -> float | None:
    """Return by how many standard deviations a night's mean score differs from the holdout nights' mean scores.

    None if the holdout had too few nights, or all of the same mean, to tell.
    """
    if nights.get("nights", 0) < FEWEST_NIGHTS or not nights["deviation"]:
        return None
    return round((mean - nights["mean"]) / nights["deviation"], 2)


def warnings_of(mean: float, deviations: float | None, nights: dict[str, float], summary: dict[str, Any]) -> list[str]:
    """Say in words what a person should look at; empty if nothing."""
    found = []
    if deviations is not None and abs(deviations) > UNUSUAL:
        found.append(
            f"the mean score is {mean:.3f}; the holdout nights had {nights['mean']:.3f} give or take "
            f"{nights['deviation']:.3f}, so this is {abs(deviations):.1f} deviations away"
        )
    warned = summary["failed_by_severity"]["warning"]
    if warned:
        found.append(
            f"{warned} {'expectation' if warned == 1 else 'expectations'} of {summary['suite']} warned; see the check report"
        )
    return found
