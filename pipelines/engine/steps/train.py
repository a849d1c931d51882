"""Train: fit on the older nights of the window, measure on the newest ones, log one MLflow run."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_registry import pictures
from pipelines.engine.code import code_digest
from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import PathRefused
from pipelines.engine.keys import TaskKey
from pipelines.engine.labelled import Labelled
from pipelines.engine.metrics import metrics_of, slice_metrics
from pipelines.engine.models import family_of
from pipelines.engine.moments import reached
from pipelines.engine.nights import parse_night, span
from pipelines.engine.package import load_scorer, write_package
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.scoring import HISTOGRAM_BINS
from pipelines.engine.search_table import write_table
from pipelines.engine.steps.search import checked_window, trials_of
from pipelines.engine.steps.window import TrainingWindow, load_data
from pipelines.engine.training import (
    baseline_metrics,
    check_sides,
    feature_profile,
    fit_model,
    flat_metrics,
    night_means,
    score_profile,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

EXAMPLE_ROWS = 5
_TOLD = ("number", "params", "value", "metric", "counts")


def train(
    runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any], best: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Fit a model on the checked window, measure it on the holdout, and log one MLflow run.

    Args:
        runtime: Doors to the outside.
        pipeline: What is learned.
        checked: The result of `validate_training`.
        best: The result of `choose_best`, whose knobs are used; None to train with those that `fit` declares.

    Returns:
        `as_of`, `run_id`, `model_digest`, `metrics` (on the holdout), `baseline` (of the base rate), `rows`
        (train and holdout), `search` (the best trial, or None), `report` (the folder of the pictures), `url`, `key`.

    Raises:
        RowsChanged: The files are no longer the ones that were checked.
        DataError, FitFailed: The window cannot be learned from.
        RegistryUnavailable: MLflow does not answer.
    """
    as_of = parse_night(checked["as_of"])
    window = checked_window(runtime, pipeline, checked)
    parameters = {**pipeline.parameters, **(best["params"] if best else {})}
    searched = {"best": best["key"]} if best else {}
    key = TaskKey(
        pipeline=pipeline.name,
        step="train",
        partition=as_of,
        inputs={"window": window.fingerprint, "refused": checked["quarantine_sha256"], **searched},
        parameters={
            **parameters,
            "features": list(pipeline.features),
            "target": pipeline.labels.target,
            "holdout": span(window.holdout),
        },
        code=code_digest(
            pipeline.module, "pipelines.engine.training", "pipelines.engine.package", "data_checks.profile"
        ),
    )

    def work(hold: Hold) -> dict[str, Any]:
        older, holdout = _load_sides(runtime, pipeline, window, checked)
        table, target = older.table, older.target
        del older
        runtime.progress(0, 1, f"fitting on {len(target):,} rows")
        encoding = Encoding.learn(table, pipeline.features, pipeline.string_features)
        example = _frame(table.slice(0, EXAMPLE_ROWS), pipeline.features)
        profile = feature_profile(table, pipeline.features)
        features = encoding.frame(table)
        del table  # from here on the frame is the only copy
        model = fit_model(pipeline, features, target, parameters)
        del features
        runtime.progress(1, 1, f"fitting on {len(target):,} rows")
        return _log(
            runtime,
            pipeline,
            key,
            checked,
            _Fitted(model, encoding, target, example, profile, holdout, parameters, best),
        )

    return runtime.run(key, work)


def _load_sides(
    runtime: Runtime, pipeline: Pipeline, window: TrainingWindow, checked: dict[str, Any]
) -> tuple[Labelled, Labelled]:
    older = load_data(runtime, pipeline, window, checked, window.older, pipeline.features)
    measured = (*pipeline.features, *pipeline.slices)
    holdout = load_data(runtime, pipeline, window, checked, window.holdout, measured)
    check_sides(pipeline, older, holdout)
    return older, holdout


@dataclass(frozen=True)
class _Fitted:
    model: object
    encoding: Encoding
    target: np.ndarray
    example: pd.DataFrame
    profile: dict[str, Any]
    holdout: Labelled
    parameters: dict[str, Any]
    best: dict[str, Any] | None


def _log(
    runtime: Runtime, pipeline: Pipeline, key: TaskKey, checked: dict[str, Any], fitted: _Fitted
) -> dict[str, Any]:
    as_of = checked["as_of"]
    folder = runtime.reports(pipeline, f"training-{as_of}") / key.short
    with tempfile.TemporaryDirectory(prefix="nightshift-") as temporary:
        package = Path(temporary) / "package"
        package.mkdir()
        score = _write_package(pipeline, package, fitted)
        target = fitted.holdout.target
        metrics = metrics_of(target, score)
        baseline = baseline_metrics(fitted.target, target)
        slices = slice_metrics(target, score, _frame(fitted.holdout.table, pipeline.slices))
        drawn = _draw(Path(temporary), fitted, score)
        for picture in drawn.values():
            (folder / picture.name).write_file(picture)
        runtime.progress(0, 1, "logging to MLflow")
        run = runtime.registry.log_training(
            experiment=pipeline.name,
            run_name=f"{pipeline.name} as of {as_of}",
            key=key.digest,
            parameters={
                **fitted.parameters,
                "as_of": as_of,
                "nights": checked["nights"],
                "holdout": checked["holdout"],
            },
            metrics=_all_metrics(metrics, baseline, slices),
            tags={
                "nightshift.pipeline": pipeline.name,
                "nightshift.as_of": as_of,
                "nightshift.code": key.code,
                **_search_tags(fitted.best),
            },
            dataset={
                "name": f"{pipeline.name} {checked['nights']}",
                "digest": checked["fingerprint"],
                "source": str(runtime.rows_folder(pipeline)),
            },
            package=package,
            input_example=fitted.example,
            pictures=drawn,
            artifacts={**_check_reports(runtime, checked), **_search_table(runtime, fitted.best, Path(temporary))},
        )
        reached("logged the run")
        runtime.progress(1, 1, "logging to MLflow")
    return {
        "as_of": as_of,
        "run_id": run.run_id,
        "model_digest": run.digest,
        "metrics": metrics,
        "baseline": baseline,
        "rows": {"train": len(fitted.target), "holdout": fitted.holdout.rows},
        "search": {name: fitted.best[name] for name in _TOLD} if fitted.best else None,
        "report": str(folder),
        "url": run.url,
    }


def _search_tags(best: dict[str, Any] | None) -> dict[str, str]:
    """Name the trial whose knobs the model was fitted with."""
    if best is None:
        return {}
    return {"nightshift.search.trial": str(best["number"]), f"nightshift.search.{best['metric']}": repr(best["value"])}


def _search_table(runtime: Runtime, best: dict[str, Any] | None, folder: Path) -> dict[str, Path]:
    return write_table(folder, trials_of(runtime, best), best) if best else {}


def _check_reports(runtime: Runtime, checked: dict[str, Any]) -> dict[str, Path]:
    """Return the check reports to keep with the run; a path that leads elsewhere is no report, and is left out."""
    found, reports = {}, runtime.storage.at(runtime.settings.reports)
    for kind, path in checked["reports"].items():
        with suppress(PathRefused):
            found[f"checks-{kind}.html"] = reports.recorded(path).copy()
    return found


def _write_package(pipeline: Pipeline, package: Path, fitted: _Fitted) -> np.ndarray:
    """Write the package with its profile, and return the holdout's scores as the packaged model gives them."""
    write_package(package, fitted.model, fitted.encoding, {})
    score = load_scorer(package).predict(fitted.holdout.table)
    profile = {
        "features": fitted.profile,
        "score": score_profile(score, HISTOGRAM_BINS),
        "score_nights": night_means(fitted.holdout, score),
    }
    write_package(package, fitted.model, fitted.encoding, profile)
    return score


def _frame(table: pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    """Return columns with plain text: MLflow's signatures know no categories."""
    import pyarrow as pa

    chosen = table.select(list(columns))
    text = [field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in chosen.schema]
    frame: pd.DataFrame = chosen.cast(pa.schema(text)).to_pandas()
    return frame


def _all_metrics(
    metrics: dict[str, float], baseline: dict[str, float], slices: dict[str, dict[str, float]]
) -> dict[str, float]:
    flat = {**metrics, **flat_metrics("baseline_", baseline)}
    for name, measured in slices.items():
        flat.update(flat_metrics(f"slice.{name}.".replace("=", "."), measured))
    return flat


def _draw(folder: Path, fitted: _Fitted, score: np.ndarray) -> dict[str, Path]:
    paths = {name: folder / f"{name}.png" for name in ("roc", "calibration", "importance")}
    pictures.draw_roc(fitted.holdout.target, score, paths["roc"])
    pictures.draw_calibration(fitted.holdout.target, score, paths["calibration"])
    importance = family_of(fitted.model).importance(fitted.model)
    if not importance:
        return {name: path for name, path in paths.items() if name != "importance"}
    pictures.draw_importance(list(importance), list(importance.values()), paths["importance"])
    return paths
