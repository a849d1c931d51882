"""Train: fit on the older nights of the window, measure on the newest ones, log one MLflow run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_checks.sensitive import neutral_rows
from model_registry import pictures
from pipelines.engine.code import code_digest
from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import PathRefused
from pipelines.engine.keys import TaskKey
from pipelines.engine.labelled import Labelled
from pipelines.engine.metrics import metrics_of, slices_of
from pipelines.engine.model_facts import calibration, holdout_drift, shares_of
from pipelines.engine.models import family_of
from pipelines.engine.moments import reached
from pipelines.engine.nights import parse_night, span
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.score_form import ScoreForm, asked, learned_form
from pipelines.engine.search_table import write_table
from pipelines.engine.steps.search import checked_window, trials_of
from pipelines.engine.steps.window import TrainingWindow, load_data
from pipelines.engine.training import (
    baseline_scores,
    check_sides,
    feature_profile,
    fit_model,
    flat_metrics,
    largest_slices,
    write_with_profile,
)
from pipelines.engine.uncertainty import intervals_of

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
        `as_of`, `run_id`, `model_digest`, `kind`, `metrics` (on the holdout), `intervals` (metric to low and high, 95 %),
        `slices` (`column=value` to `rows`, metrics, and `intervals` of the gate's metric; the largest ones, and MLflow has
        all), `baseline` (of the best guess without a model), `score_edges`, `calibration`, `importance` and `drift` (see
        `model_facts`), `rows` (train and holdout), `search` (the best trial, or None), `report` (the folder of the
        pictures), `url`, `key`.

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
            **asked(pipeline),
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
        example = neutral_rows(_frame(table.slice(0, EXAMPLE_ROWS), pipeline.features), pipeline.rows.sensitive)
        profile = feature_profile(table, pipeline.features)
        features = encoding.frame(table)
        del table  # from here on the frame is the only copy
        form = learned_form(pipeline.kind, target)
        model = fit_model(pipeline, features, form.codes(target), parameters)
        del features
        runtime.progress(1, 1, f"fitting on {len(target):,} rows")
        return _log(
            runtime,
            pipeline,
            key,
            checked,
            _Fitted(model, encoding, form, target, example, profile, holdout, parameters, best),
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
    form: ScoreForm
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
        form, scores = write_with_profile(
            package, fitted.model, fitted.encoding, fitted.form, fitted.profile, fitted.holdout
        )
        runtime.progress(0, 1, "measuring")
        pair = form.measurable(fitted.holdout.target, scores)
        metrics = metrics_of(*pair, form.kind)
        baseline = _baseline(form, fitted)
        slices = _slices(pipeline, form, pair, fitted.holdout)
        drawn = _draw(Path(temporary), form, fitted, scores)
        runtime.progress(1, 1, "measuring")
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
        "kind": form.kind,
        "metrics": metrics,
        "intervals": intervals_of(form.kind, *pair),
        "slices": largest_slices(slices),
        "baseline": baseline,
        "score_edges": list(form.edges),
        "calibration": calibration(form, fitted.holdout.target, scores),
        "importance": shares_of(family_of(fitted.model, form.kind).importance(fitted.model)),
        "drift": holdout_drift(fitted.profile, fitted.holdout.table, pipeline.features),
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


def _baseline(form: ScoreForm, fitted: _Fitted) -> dict[str, float]:
    guess = baseline_scores(form, fitted.target, fitted.holdout.rows)
    return metrics_of(*form.measurable(fitted.holdout.target, guess), form.kind)


def _slices(
    pipeline: Pipeline, form: ScoreForm, pair: tuple[np.ndarray, np.ndarray], holdout: Labelled
) -> dict[str, dict[str, Any]]:
    """Measure each slice, with the interval of the gate's metric."""
    found: dict[str, dict[str, Any]] = {}
    for name, here in slices_of(_frame(holdout.table, pipeline.slices)):
        target, scores = (side[here] for side in pair)
        measured = metrics_of(target, scores, form.kind)
        if measured:
            intervals = intervals_of(form.kind, target, scores, only=(pipeline.gate.metric,))
            found[name] = {"rows": int(here.sum()), **measured, "intervals": intervals}
    return found


def _frame(table: pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    """Return columns with plain text: MLflow's signatures know no categories."""
    import pyarrow as pa

    chosen = table.select(list(columns))
    text = [field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in chosen.schema]
    frame: pd.DataFrame = chosen.cast(pa.schema(text)).to_pandas()
    return frame


def _all_metrics(
    metrics: dict[str, float], baseline: dict[str, float], slices: dict[str, dict[str, Any]]
) -> dict[str, float]:
    flat = {**metrics, **flat_metrics("baseline_", baseline)}
    for name, measured in slices.items():
        numbers = {metric: value for metric, value in measured.items() if metric != "intervals"}
        flat.update(flat_metrics(f"slice.{name}.".replace("=", "."), numbers))
    return flat


def _draw(folder: Path, form: ScoreForm, fitted: _Fitted, scores: np.ndarray) -> dict[str, Path]:
    """Draw what says most of a kind, and the importance of the features where the model can say it."""
    target = fitted.holdout.target
    drawing: dict[str, Callable[[Path], None]]
    if form.kind == "regression":
        drawing = {"observed": partial(pictures.draw_observed, target, scores)}
    elif form.kind == "multiclass":
        codes, likeliest = form.codes(target), scores.argmax(axis=1)
        drawing = {
            "confusion": partial(pictures.draw_confusion, codes, likeliest, [str(value) for value in form.classes]),
            "calibration": partial(pictures.draw_calibration, codes == likeliest, form.score(scores)),
        }
    else:
        drawing = {
            "roc": partial(pictures.draw_roc, target, scores),
            "calibration": partial(pictures.draw_calibration, target, scores),
        }
    importance = family_of(fitted.model, form.kind).importance(fitted.model)
    if importance:
        drawing["importance"] = partial(pictures.draw_importance, list(importance), list(importance.values()))
    paths = {name: folder / f"{name}.png" for name in drawing}
    for name, draw in drawing.items():
        draw(paths[name])
    return paths
