"""A training's first steps: validate the window of past nights, then fit, measure and log one run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_checks import SuiteContext, build_profile
from data_checks.suites import SUITES
from model_registry import pictures
from pipelines.engine.code import code_digest
from pipelines.engine.encoding import Encoding
from pipelines.engine.errors import RowsChanged, RowsMissing
from pipelines.engine.keys import TaskKey, digest_of
from pipelines.engine.metrics import metrics_of, slice_metrics
from pipelines.engine.models import family_of
from pipelines.engine.nights import parse_night, span, training_nights
from pipelines.engine.package import load_scorer, write_package
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.rows import NightFile, find_files, fingerprint, in_content_order, inspect_files
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.scoring import HISTOGRAM_BINS, read_positions
from pipelines.engine.steps.checking import Checked, check_frame
from pipelines.engine.steps.validate import at_the_door
from pipelines.engine.training import (
    NIGHT,
    Learnable,
    baseline_metrics,
    fit_model,
    flat_metrics,
    join_labels,
    night_means,
    read_window,
    score_profile,
    split,
    without_positions,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

EXAMPLE_ROWS = 5
Files = list[tuple[str, list[NightFile]]]


@dataclass(frozen=True)
class TrainingWindow:
    """The files of the nights to learn from.

    Attributes:
        nights: Those that are there, oldest first.
        holdout: The newest of them.
        rows: Night and its row files.
        labels: Night and its label files.
    """

    nights: list[str]
    holdout: list[str]
    rows: Files
    labels: Files

    @property
    def fingerprint(self) -> str:
        """Names the content of all files."""
        return digest_of([[night, fingerprint(files)] for night, files in (*self.rows, *self.labels)])


def find_window(runtime: Runtime, pipeline: Pipeline, as_of: str) -> TrainingWindow:
    """Find the files of the nights whose labels are known when night `as_of` begins.

    Nights that were never delivered are left out of the older part; every holdout night must be there.

    Raises:
        DataError: Files are missing, unreadable, or of another schema.
    """
    older, holdout = training_nights(as_of, pipeline.window, pipeline.labels.lag_nights)
    rows_folder, labels_folder = runtime.rows_folder(pipeline), runtime.labels_folder(pipeline)
    there = [night for night in older if _delivered(rows_folder, night) and _delivered(labels_folder, night)]
    if not there:
        raise RowsMissing(
            f"{pipeline.name} has no labelled night in {span(older)}, so there is nothing to learn from as of {as_of}. "
            f"Deliver rows and labels, choose another --as-of, or run `nightshift data {pipeline.name}`."
        )
    nights = [*there, *holdout]
    return TrainingWindow(
        nights,
        holdout,
        _files(runtime, rows_folder, nights, pipeline.rows.columns, "reading rows"),
        _files(runtime, labels_folder, nights, pipeline.labels.columns, "reading labels"),
    )


def _delivered(folder: Path, night: str) -> bool:
    return (folder / f"{night}.parquet").exists() or (folder / night).is_dir()


def _files(runtime: Runtime, folder: Path, nights: Sequence[str], columns: Mapping[str, str], what: str) -> Files:
    found: Files = []
    for night in nights:
        found.append((night, in_content_order(inspect_files(find_files(folder, night), columns))))
        runtime.progress(len(found), len(nights), what)
    return found


def validate_training(runtime: Runtime, pipeline: Pipeline, as_of: str) -> dict[str, Any]:
    """Check the rows and labels of the training window.

    Returns:
        `as_of`, `nights` (first..last), `holdout`, `fingerprint`, `rows`, `refused`, `quarantine`,
        `quarantine_sha256`, `reports`, `summaries`, `key`.

    Raises:
        UnknownNight: `as_of` is not a night, or lies in the future.
        DataError: The data is missing, unreadable, of another schema, or fails its checks.
    """
    parse_night(as_of, today=runtime.today())
    windows: list[TrainingWindow] = []

    def look() -> list[NightFile]:
        windows.append(find_window(runtime, pipeline, as_of))
        return []

    at_the_door(runtime, pipeline, "validate_training", as_of, look)
    window = windows[0]
    checks = pipeline.checks
    key = TaskKey(
        pipeline=pipeline.name,
        step="validate_training",
        partition=as_of,
        inputs={"window": window.fingerprint},
        parameters={"rows": checks.rows, "labels": checks.labels, "refuse_at_most": checks.refuse_at_most},
        code=code_digest(
            "pipelines.engine.steps.checking", "pipelines.engine.rows", SUITES[checks.rows], SUITES[checks.labels]
        ),
    )

    def work(hold: Hold) -> dict[str, Any]:
        name = f"{key.short}-{hold.fence}"
        rows = _check_window(runtime, pipeline, as_of, window, "rows", name)
        labels = _check_window(runtime, pipeline, as_of, window, "labels", name)
        return {
            "as_of": as_of,
            "nights": span(window.nights),
            "holdout": span(window.holdout),
            "fingerprint": window.fingerprint,
            "rows": rows.rows,
            "refused": {"rows": rows.refused, "labels": labels.refused},
            "quarantine": {"rows": _text(rows.quarantine), "labels": _text(labels.quarantine)},
            "quarantine_sha256": [rows.quarantine_sha256, labels.quarantine_sha256],
            "reports": {"rows": str(rows.report), "labels": str(labels.report)},
            "summaries": {"rows": rows.summary, "labels": labels.summary},
        }

    return runtime.run(key, work, outputs=lambda result: [Path(path) for path in result["quarantine"].values() if path])


def _check_window(
    runtime: Runtime, pipeline: Pipeline, as_of: str, window: TrainingWindow, kind: str, name: str
) -> Checked:
    files, columns, suite = {
        "rows": (window.rows, pipeline.rows.columns, pipeline.checks.rows),
        "labels": (window.labels, pipeline.labels.columns, pipeline.checks.labels),
    }[kind]
    runtime.progress(0, 1, f"checking {kind}")
    frame = read_window(files, list(columns)).drop_columns([NIGHT]).to_pandas()
    context = SuiteContext(
        span(window.nights),
        nights=len(window.nights),
        id_columns=tuple(pipeline.id_columns),
        profile=None,
        today=runtime.now(),
    )
    checked = check_frame(
        suite,
        frame,
        context,
        refuse_at_most=pipeline.checks.refuse_at_most,
        report=runtime.reports(pipeline, f"training-{as_of}") / f"{kind}-{name}.html",
        quarantine=runtime.quarantine(pipeline) / f"training={as_of}" / f"{kind}-{name}.parquet",
    )
    runtime.progress(1, 1, f"checking {kind}")
    return checked


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def train(runtime: Runtime, pipeline: Pipeline, checked: dict[str, Any]) -> dict[str, Any]:
    """Fit a model on the checked window, measure it on the holdout, and log one MLflow run.

    Args:
        runtime: Doors to the outside.
        pipeline: What is learned.
        checked: The result of `validate_training`.

    Returns:
        `as_of`, `run_id`, `model_digest`, `metrics` (on the holdout), `baseline` (of the base rate), `rows`
        (train and holdout), `report` (the folder of the pictures), `url`, `key`.

    Raises:
        RowsChanged: The files are no longer the ones that were checked.
        DataError, FitFailed: The window cannot be learned from.
        RegistryUnavailable: MLflow does not answer.
    """
    as_of = checked["as_of"]
    window = find_window(runtime, pipeline, as_of)
    if window.fingerprint != checked["fingerprint"]:
        raise RowsChanged(
            f"the training window of {pipeline.name} as of {as_of} changed after it was checked. "
            "Nothing was trained; run the training again, so that the new files are checked first."
        )
    key = TaskKey(
        pipeline=pipeline.name,
        step="train",
        partition=as_of,
        inputs={"window": window.fingerprint, "refused": checked["quarantine_sha256"]},
        parameters={
            **pipeline.parameters,
            "features": list(pipeline.features),
            "target": pipeline.labels.target,
            "holdout": span(window.holdout),
        },
        code=code_digest(
            pipeline.module, "pipelines.engine.training", "pipelines.engine.package", "data_checks.profile"
        ),
    )

    def work(hold: Hold) -> dict[str, Any]:
        data = load_data(pipeline, window, checked)
        older, holdout = split(data, window.holdout)
        runtime.progress(0, 1, f"fitting on {older.rows:,} rows")
        encoding = Encoding.learn(older.table, pipeline.features, pipeline.string_features)
        model = fit_model(pipeline, older, encoding)
        runtime.progress(1, 1, f"fitting on {older.rows:,} rows")
        return _log(runtime, pipeline, key, checked, _Fitted(model, encoding, older, holdout))

    return runtime.run(key, work)


def load_data(pipeline: Pipeline, window: TrainingWindow, checked: dict[str, Any]) -> Learnable:
    """Read and join the window without the refused rows and labels."""
    columns = list(dict.fromkeys((*pipeline.id_columns, *pipeline.features, *pipeline.slices)))
    label_columns = [*pipeline.id_columns, pipeline.labels.target]
    rows = read_window(window.rows, columns)
    labels = read_window(window.labels, label_columns).drop_columns([NIGHT])
    digests = dict(zip(("rows", "labels"), checked["quarantine_sha256"], strict=True))
    refused = {
        kind: read_positions(Path(path) if path else None, digests[kind])
        for kind, path in checked["quarantine"].items()
    }
    return join_labels(
        pipeline,
        without_positions(rows, refused["rows"]),
        without_positions(labels, refused["labels"]),
    )


@dataclass(frozen=True)
class _Fitted:
    model: object
    encoding: Encoding
    older: Learnable
    holdout: Learnable


def _log(
    runtime: Runtime, pipeline: Pipeline, key: TaskKey, checked: dict[str, Any], fitted: _Fitted
) -> dict[str, Any]:
    as_of = checked["as_of"]
    folder = runtime.reports(pipeline, f"training-{as_of}") / key.short
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nightshift-") as temporary:
        package = Path(temporary) / "package"
        package.mkdir()
        score = _write_package(pipeline, package, fitted)
        target = fitted.holdout.target
        metrics = metrics_of(target, score)
        baseline = baseline_metrics(fitted.older.target, target)
        slices = slice_metrics(target, score, _frame(fitted.holdout.table, pipeline.slices))
        runtime.progress(0, 1, "logging to MLflow")
        run = runtime.registry.log_training(
            experiment=pipeline.name,
            run_name=f"{pipeline.name} as of {as_of}",
            key=key.digest,
            parameters={
                **pipeline.parameters,
                "as_of": as_of,
                "nights": checked["nights"],
                "holdout": checked["holdout"],
            },
            metrics=_all_metrics(metrics, baseline, slices),
            tags={"nightshift.pipeline": pipeline.name, "nightshift.as_of": as_of, "nightshift.code": key.code},
            dataset={
                "name": f"{pipeline.name} {checked['nights']}",
                "digest": checked["fingerprint"],
                "source": str(runtime.rows_folder(pipeline)),
            },
            package=package,
            input_example=_frame(fitted.older.table.slice(0, EXAMPLE_ROWS), pipeline.features),
            pictures=_draw(folder, fitted, score),
            artifacts={f"checks-{kind}.html": Path(path) for kind, path in checked["reports"].items()},
        )
        runtime.progress(1, 1, "logging to MLflow")
    return {
        "as_of": as_of,
        "run_id": run.run_id,
        "model_digest": run.digest,
        "metrics": metrics,
        "baseline": baseline,
        "rows": {"train": fitted.older.rows, "holdout": fitted.holdout.rows},
        "report": str(folder),
        "url": run.url,
    }


def _write_package(pipeline: Pipeline, package: Path, fitted: _Fitted) -> np.ndarray:
    """Write the package with its profile, and return the holdout's scores as the packaged model gives them."""
    write_package(package, fitted.model, fitted.encoding, {})
    score = load_scorer(package).predict(fitted.holdout.table)
    profile = {
        "features": build_profile(_frame(fitted.older.table, pipeline.features), list(pipeline.features)),
        "score": score_profile(score, HISTOGRAM_BINS),
        "score_nights": night_means(fitted.holdout, score),
    }
    write_package(package, fitted.model, fitted.encoding, profile)
    return score


def _frame(table: pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    frame: pd.DataFrame = table.select(list(columns)).to_pandas()
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
