"""Validate the rows and labels that a model will learn from: the first step of a training."""

from __future__ import annotations

from typing import Any

from data_checks import SuiteContext
from data_checks.suites import module_of
from pipelines.engine.code import code_digest
from pipelines.engine.keys import TaskKey
from pipelines.engine.nights import parse_night, span
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.rows import NightFile
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.snapshots import Tables, take_missing
from pipelines.engine.steps.champion import find_champion
from pipelines.engine.steps.checking import Checked, check_rows, open_files
from pipelines.engine.steps.validate import at_the_door, sensitive_parameter
from pipelines.engine.steps.window import TrainingWindow, find_window
from pipelines.engine.storage import Location


def validate_training(runtime: Runtime, pipeline: Pipeline, as_of: str) -> dict[str, Any]:
    """Check the rows and labels of the training window.

    Returns:
        `as_of`, `nights` (first..last), `holdout`, `fingerprint`, `rows`, `refused`, `quarantine`,
        `quarantine_sha256`, `reports`, `summaries`, `key`.

    Raises:
        UnknownNight: `as_of` is not a night, or lies in the future.
        RegistryUnavailable: MLflow does not answer.
        SourceUnavailable: The database that it comes from does not answer.
        DataError: The data is missing, unreadable, of another schema, or fails its checks.
    """
    parse_night(as_of, today=runtime.today())
    find_champion(runtime, pipeline)  # an MLflow that does not answer is better met now than after the fitting
    windows: list[TrainingWindow] = []

    def look() -> list[NightFile]:
        take_missing(Tables.of(runtime), pipeline, as_of)
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
        parameters={
            "rows": checks.rows,
            "labels": checks.labels,
            "refuse_at_most": checks.refuse_at_most,
            **sensitive_parameter(pipeline),
        },
        code=code_digest(
            "pipelines.engine.steps.checking", "pipelines.engine.rows", module_of(checks.rows), module_of(checks.labels)
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

    return runtime.run(
        key,
        work,
        outputs=lambda result: [
            runtime.quarantine(pipeline).recorded(path) for path in result["quarantine"].values() if path
        ],
    )


def _check_window(
    runtime: Runtime, pipeline: Pipeline, as_of: str, window: TrainingWindow, kind: str, name: str
) -> Checked:
    files, columns, suite = {
        "rows": (window.rows, pipeline.rows.columns, pipeline.checks.rows),
        "labels": (window.labels, pipeline.labels.columns, pipeline.checks.labels),
    }[kind]
    runtime.progress(0, 1, f"checking {kind}")
    context = SuiteContext(
        span(window.nights),
        nights=len(window.nights),
        id_columns=tuple(pipeline.id_columns),
        profile=None,
        today=runtime.now(),
        sensitive=frozenset(pipeline.rows.sensitive),
    )
    with open_files([file for _, delivered in files for file in delivered], columns) as opened:
        checked = check_rows(
            suite,
            opened,
            context,
            refuse_at_most=pipeline.checks.refuse_at_most,
            report=runtime.reports(pipeline, f"training-{as_of}") / f"{kind}-{name}.html",
            quarantine=runtime.quarantine(pipeline) / f"training={as_of}" / f"{kind}-{name}.parquet",
        )
    runtime.progress(1, 1, f"checking {kind}")
    return checked


def _text(path: Location | None) -> str | None:
    return str(path) if path else None
