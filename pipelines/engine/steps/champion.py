"""The version that scores: which one it is, and its files, verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model_registry import ModelVersion, NoSuchAlias, NoSuchModel
from pipelines.engine.errors import NoChampion
from pipelines.engine.package import read_profile
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"


def find_champion(runtime: Runtime, pipeline: Pipeline) -> ModelVersion | None:
    """Return the champion, or None before the first one.

    Raises:
        RegistryUnavailable: MLflow does not answer; another model is never used instead.
    """
    try:
        return runtime.registry.resolve(pipeline.name, CHAMPION)
    except (NoSuchModel, NoSuchAlias):
        return None


def require_champion(runtime: Runtime, pipeline: Pipeline) -> ModelVersion:
    """Return the champion.

    Raises:
        NoChampion: There is none yet.
        RegistryUnavailable: MLflow does not answer.
    """
    champion = find_champion(runtime, pipeline)
    if champion is None:
        raise no_champion(pipeline)
    return champion


def no_champion(pipeline: Pipeline) -> NoChampion:
    """Return the error for a pipeline that has none."""
    return NoChampion(
        f"{pipeline.name} has no champion yet, so nothing can be scored. "
        f"Train one: run the DAG `{pipeline.name}_training`, or `nightshift train {pipeline.name} --as-of NIGHT`."
    )


def fetch(runtime: Runtime, version: ModelVersion) -> Path:
    """Return the folder of a version's package, verified against the digests of its registration.

    Raises:
        TamperedModel: A file is not the registered one; it is never loaded.
        RegistryUnavailable: MLflow does not answer.
    """
    return runtime.registry.fetch(version, runtime.settings.cache)


def champion_profile(runtime: Runtime, pipeline: Pipeline) -> dict[str, Any] | None:
    """Return how the champion's training data was distributed, or None before the first one."""
    champion = find_champion(runtime, pipeline)
    return read_profile(fetch(runtime, champion)) if champion else None
