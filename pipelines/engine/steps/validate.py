"""Validate: are a night's rows what they should be? Refused rows go to quarantine, critical faults stop the night."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from data_checks import SuiteContext, drift
from data_checks.suites import module_of
from pipelines.engine.code import code_digest
from pipelines.engine.errors import DataError, SourceUnavailable
from pipelines.engine.keys import TaskKey, digest_of
from pipelines.engine.nights import parse_night
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.rows import NightFile, find_files, fingerprint, in_content_order, inspect_files
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.snapshots import Tables, take_night
from pipelines.engine.steps.champion import champion_profile
from pipelines.engine.steps.checking import check_rows, open_files
from pipelines.engine.storage import Location

STEP = "validate"
MOST_DRIFTED = 5


def validate_night(runtime: Runtime, pipeline: Pipeline, night: str) -> dict[str, Any]:
    """Check the rows of one night.

    Returns:
        `night`, `rows_in`, `refused`, `quarantine` (a path or None), `quarantine_sha256`, `fingerprint` of the rows,
        `report` (a path), `summary` of the checks, `drift` (the features furthest from training), `key`.

    Raises:
        UnknownNight: Not a night, or one in the future.
        DataError: The rows are missing, unreadable, of another schema, or fail their checks.
        SourceUnavailable: The database that they come from does not answer.
        RegistryUnavailable: MLflow does not answer.
    """
    parse_night(night, today=runtime.today())
    files = at_the_door(runtime, pipeline, STEP, night, lambda: _delivered(runtime, pipeline, night))
    whole_profile = champion_profile(runtime, pipeline)
    profile = whole_profile["features"] if whole_profile else None
    key = TaskKey(
        pipeline=pipeline.name,
        step=STEP,
        partition=night,
        inputs={"rows": fingerprint(files), "profile": digest_of(profile)},
        parameters={
            "suite": pipeline.checks.rows,
            "refuse_at_most": pipeline.checks.refuse_at_most,
            "columns": dict(pipeline.rows.columns),
            "id_columns": list(pipeline.id_columns),
            **sensitive_parameter(pipeline),
        },
        code=code_digest("pipelines.engine.steps.checking", "pipelines.engine.rows", module_of(pipeline.checks.rows)),
    )

    def work(hold: Hold) -> dict[str, Any]:
        context = SuiteContext(
            night,
            nights=1,
            id_columns=tuple(pipeline.id_columns),
            profile=profile,
            today=runtime.now(),
            sensitive=frozenset(pipeline.rows.sensitive),
        )
        name = f"{key.short}-{hold.fence}"
        with open_files(files, pipeline.rows.columns) as rows:
            checked = check_rows(
                pipeline.checks.rows,
                rows,
                context,
                refuse_at_most=pipeline.checks.refuse_at_most,
                report=runtime.reports(pipeline, night) / f"checks-{name}.html",
                quarantine=runtime.quarantine(pipeline) / f"night={night}" / f"{name}.parquet",
            )
            drifted = drift(profile, rows, pipeline.features) if profile else {}
        return {
            "night": night,
            "rows_in": checked.rows,
            "refused": checked.refused,
            "quarantine": str(checked.quarantine) if checked.quarantine else None,
            "quarantine_sha256": checked.quarantine_sha256,
            "fingerprint": fingerprint(files),
            "report": str(checked.report),
            "summary": checked.summary,
            "drift": _largest(drifted),
        }

    return runtime.run(key, work, outputs=lambda result: kept_files(runtime, pipeline, result))


def sensitive_parameter(pipeline: Pipeline) -> dict[str, list[str]]:
    """Return what a key says of sensitive columns; nothing where there are none, so that keys of before are found."""
    return {"sensitive": sorted(pipeline.rows.sensitive)} if pipeline.rows.sensitive else {}


def _delivered(runtime: Runtime, pipeline: Pipeline, night: str) -> list[NightFile]:
    """Return the files of a night; one that comes from a table is taken first, and again if it changed there."""
    take_night(Tables.of(runtime), pipeline, night)
    return night_files(runtime, pipeline, night)


def night_files(runtime: Runtime, pipeline: Pipeline, night: str) -> list[NightFile]:
    """Return the files of a night, in the order that defines row positions.

    Raises:
        DataError: They are missing, unreadable, empty, or of another schema.
    """
    paths = find_files(runtime.rows_folder(pipeline), night)
    return in_content_order(inspect_files(paths, pipeline.rows.columns))


def at_the_door(
    runtime: Runtime, pipeline: Pipeline, step: str, partition: str, look: Callable[[], list[NightFile]]
) -> list[NightFile]:
    """Look at the files, and record a failed key if they cannot even be fingerprinted, so that `status` shows it."""
    wrong: DataError | SourceUnavailable
    try:
        return look()
    except (DataError, SourceUnavailable) as error:
        wrong = error

    def refuse(hold: Hold) -> NoReturn:
        raise wrong

    key = TaskKey(pipeline=pipeline.name, step=step, partition=partition, inputs={"rows": str(wrong)})
    runtime.run(key, refuse)
    raise wrong


def kept_files(runtime: Runtime, pipeline: Pipeline, result: dict[str, Any]) -> list[Location]:
    """Return the files that later steps read: the quarantine, if there is one."""
    return [runtime.quarantine(pipeline).recorded(result["quarantine"])] if result["quarantine"] else []


def _largest(drifted: dict[str, float]) -> dict[str, float]:
    ordered = sorted(drifted.items(), key=lambda item: -item[1])
    return {name: round(value, 4) for name, value in ordered[:MOST_DRIFTED]}
