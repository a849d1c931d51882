"""Reads what a report tells, writes it where reports lie, and never fails the step that asked for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from posixpath import relpath
from typing import Any

from pipelines.engine.errors import NightshiftError, UsageError
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.reports.model_card import ModelCard, model_card
from pipelines.engine.reports.night_report import NightReport, night_report
from pipelines.engine.reports.origin import origin
from pipelines.engine.run_once import Hold
from pipelines.engine.runtime import Runtime
from pipelines.engine.views.attempts import attempt_of
from pipelines.engine.views.house import House
from pipelines.engine.views.models import VersionView
from pipelines.engine.views.night import NightView
from pipelines.engine.views.quarantine import RefusedRows, read_refused

log = logging.getLogger(__name__)
CARD = "model-card.html"
"""What the card is called among the files of its MLflow run."""


def write_night_report(runtime: Runtime, pipeline: Pipeline, hold: Hold, result: Mapping[str, Any]) -> str | None:
    """Write the night report at the end of monitoring.

    Args:
        runtime: Doors to the outside.
        pipeline: Whose night.
        hold: Of the key of `monitor`, which is about to be finished.
        result: What it is about to be finished with.

    Returns:
        Where the report lies; None if none could be made, which the log says in words.
    """
    night = str(result["night"])

    def write() -> str:
        said = f"monitor, key {hold.key.short}, fence {hold.fence}"
        page = read_night(runtime, pipeline, night, written_by=said, finishing=(hold.key.digest, result))
        file = runtime.reports(pipeline, night) / f"night-{hold.key.short}-{hold.fence}.html"
        return str(file.write_text(page))

    return _or_warn(f"the night report of {pipeline.name} {night}", write)


def read_night(
    runtime: Runtime,
    pipeline: Pipeline,
    night: str,
    *,
    written_by: str,
    finishing: tuple[str, Mapping[str, Any]] | None = None,
    elsewhere: bool = False,
) -> str:
    """Return the report of a night, however it stands, as HTML.

    Args:
        runtime: Doors to the outside.
        pipeline: Whose night.
        night: Which.
        written_by: Said at its foot.
        finishing: A key that is about to be finished, and with what.
        elsewhere: Whether it is kept somewhere else than beside the other reports, so that the way to them is another one.

    Raises:
        UnknownNight: Nothing was ever done for it.
        LedgerError: The ledger cannot be read.
    """
    house = House(runtime.settings)
    view = house.night(pipeline.name, night, finishing=finishing)
    notes: list[str] = []
    model = _version(house, view)
    paths = {"checks": _checks(runtime, view), "card": model.card if model else None}
    return night_report(
        NightReport(
            view=view,
            question=pipeline.question,
            model=model,
            refused=_refused(runtime, pipeline, view, notes),
            notes=notes,
            written_at=runtime.ledger.now(),
            written_by=written_by,
            links={name: _way(runtime, pipeline, path, elsewhere) for name, path in paths.items()},
        )
    )


def write_model_card(runtime: Runtime, pipeline: Pipeline, hold: Hold, result: Mapping[str, Any]) -> str | None:
    """Write the model card of a version that is about to be registered, and keep it with the MLflow run, too.

    Args:
        runtime: Doors to the outside.
        pipeline: Whose model.
        hold: Of the key of `register`, which is about to be finished.
        result: What it is about to be finished with.

    Returns:
        Where the card lies; None if none could be made, which the log says in words.
    """
    version, as_of = str(result["version"]), str(result["as_of"])

    def write() -> str:
        said = f"register, key {hold.key.short}, fence {hold.fence}"
        page = read_model(runtime, pipeline, version, written_by=said, finishing=(hold.key.digest, result))
        file = runtime.reports(pipeline, f"training-{as_of}") / f"card-{hold.key.short}-{hold.fence}.html"
        return str(file.write_text(page))

    def keep() -> str:
        file = runtime.storage.at(runtime.settings.reports).recorded(str(card))
        runtime.registry.add_artifact(str(result["run_id"]), CARD, file.copy())
        return CARD

    card = _or_warn(f"the model card of {pipeline.name} version {version}", write)
    if card is not None:
        _or_warn(f"the copy of {card} in MLflow", keep)
    return card


def read_model(
    runtime: Runtime,
    pipeline: Pipeline,
    version: str,
    *,
    written_by: str,
    finishing: tuple[str, Mapping[str, Any]] | None = None,
    elsewhere: bool = False,
) -> str:
    """Return the card of a version as HTML.

    Args:
        runtime: Doors to the outside.
        pipeline: Whose model.
        version: Its number.
        written_by: Said at its foot.
        finishing: A key that is about to be finished, and with what.
        elsewhere: Whether it is kept somewhere else than beside the other reports, so that the way to them is another one.

    Raises:
        UsageError: The ledger knows no such version.
        LedgerError: The ledger cannot be read.
    """
    house = House(runtime.settings)
    known = {found.version: found for found in house.model(pipeline.name, finishing=finishing).versions}
    if version not in known:
        there = (
            f"It knows: {', '.join(known)}." if known else f"Train one: nightshift train {pipeline.name} --as-of NIGHT"
        )
        raise UsageError(f"the ledger knows no version {version[:40]!r} of {pipeline.name}. {there}")
    found = known[version]
    return model_card(
        ModelCard(
            pipeline=pipeline,
            version=found,
            owner=house.owner(pipeline.name, "training"),
            origin=origin(),
            written_at=runtime.ledger.now(),
            written_by=written_by,
            links={check.of: _way(runtime, pipeline, check.report, elsewhere) for check in found.checks},
        )
    )


def _version(house: House, view: NightView) -> VersionView | None:
    versions = house.model(view.pipeline).versions if view.cell.model_version else ()
    return next((version for version in versions if version.version == view.cell.model_version), None)


def _checks(runtime: Runtime, view: NightView) -> str | None:
    """Return the check report of the night, also of a look that stopped it."""
    if view.checked:
        return view.checked.report
    attempt = attempt_of(view)
    path = f"{view.pipeline}/{view.night}/checks-{attempt}.html"
    return path if attempt and (runtime.storage.at(runtime.settings.reports) / path).exists() else None


def _refused(runtime: Runtime, pipeline: Pipeline, view: NightView, notes: list[str]) -> RefusedRows | None:
    if not view.quarantine or not view.checked:
        return None
    refusing = [line.column for line in view.checked.failed if line.severity == "quarantine" and line.column]
    columns = {name for column in refusing for name in column.split(", ")}
    try:
        file = runtime.storage.at(runtime.settings.tables) / view.quarantine
        refused = read_refused(file, pipeline, columns=columns)
    except NightshiftError as error:
        notes.append(f"The refused rows cannot be read: {error}")
        return None
    if refused is None:
        notes.append(f"The refused rows are gone: {file}")
    return refused


def _way(runtime: Runtime, pipeline: Pipeline, path: str | None, elsewhere: bool) -> str | None:
    """Return the way to another report; files that lie beside each other are moved and served together."""
    if path is None:
        return None
    if not elsewhere:
        return relpath(path, f"{pipeline.name}/folder")
    file = runtime.storage.at(runtime.settings.reports) / path
    return file.copy().as_uri() if file.is_here and file.exists() else None


def _or_warn(what: str, write: Callable[[], str]) -> str | None:
    """Write a report, or say in words why there is none: the work that it tells of is done either way."""
    try:
        return write()
    except Exception as error:
        log.warning("%s was not written: %s", what, error)
        return None
