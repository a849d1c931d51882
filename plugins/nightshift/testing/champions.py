"""A champion for a test: the pipeline's own `fit` on a few rows, registered and promoted without a gate."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_registry import NoSuchAlias, NoSuchModel

if TYPE_CHECKING:
    import pandas as pd

    from model_registry import ModelVersion
    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.runtime import Runtime

ACTOR = "a test"
EXAMPLE_ROWS = 5
_TARGETS = {"int64": "int64", "bool": "int64", "double": "float64"}
"""As numpy holds a target of a declared type; text stays as it is."""


def make_champion(
    runtime: Runtime, pipeline: Pipeline, rows: pd.DataFrame, labels: pd.DataFrame, knobs: Mapping[str, Any]
) -> ModelVersion:
    """Fit, log, register and promote; see `House.make_champion`.

    Raises:
        FitFailed: The pipeline's `fit` cannot learn from these rows.
    """
    from pipelines.engine.keys import digest_of

    key = digest_of([pipeline.name, len(rows), sorted(knobs.items()), _last_version(runtime, pipeline)])
    with tempfile.TemporaryDirectory(prefix="nightshift-champion-") as folder:
        example = _write_package(pipeline, Path(folder), rows, labels, {**pipeline.parameters, **knobs})
        run = runtime.registry.log_training(
            experiment=pipeline.name,
            run_name="champion of a test",
            key=key,
            parameters=dict(knobs),
            metrics={},
            tags={},
            dataset={},
            package=Path(folder),
            input_example=example,
            pictures={},
        )
    version = runtime.registry.register_once(
        pipeline.name, key=key, run_id=run.run_id, description="Champion of a test.", tags={}
    )
    present = _champion(runtime, pipeline)
    runtime.registry.promote(
        pipeline.name, to=version.version, expected=present, key=key, actor=ACTOR, reason="for a test"
    )
    return version


def _write_package(
    pipeline: Pipeline, folder: Path, rows: pd.DataFrame, labels: pd.DataFrame, knobs: Mapping[str, Any]
) -> pd.DataFrame:
    """Write the package as a training does, with its profile, and return a few rows as an example."""
    from nightshift.testing.rows import as_table
    from pipelines.engine.encoding import Encoding
    from pipelines.engine.labelled import Labelled
    from pipelines.engine.score_form import learned_form
    from pipelines.engine.training import feature_profile, fit_model, write_with_profile

    ids, target_name = list(pipeline.id_columns), pipeline.labels.target
    both = rows.merge(labels[[*ids, target_name]], on=ids, validate="one_to_one")
    table = as_table(both[list(pipeline.rows.columns)], pipeline.rows.columns)
    target = both[target_name].to_numpy(dtype=_TARGETS.get(pipeline.labels.columns[target_name], object))
    form = learned_form(pipeline.kind, target)
    encoding = Encoding.learn(table, pipeline.features, pipeline.string_features)
    model = fit_model(pipeline, encoding.frame(table), form.codes(target), knobs)
    features = feature_profile(table, pipeline.features)
    write_with_profile(folder, model, encoding, form, features, Labelled(table, target, (("all", len(target)),)))
    return both[list(pipeline.features)].head(EXAMPLE_ROWS)


def _champion(runtime: Runtime, pipeline: Pipeline) -> str | None:
    from pipelines.engine.steps.champion import find_champion

    found = find_champion(runtime, pipeline)
    return found.version if found else None


def _last_version(runtime: Runtime, pipeline: Pipeline) -> str:
    try:
        return runtime.registry.versions(pipeline.name)[-1].version
    except (NoSuchModel, NoSuchAlias, IndexError):
        return ""
