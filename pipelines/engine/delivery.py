"""Make a pipeline's rows and labels, and deliver them where nights look for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipelines.engine.errors import UsageError
from pipelines.engine.files import sha256_of
from pipelines.engine.pipeline import Pipeline, Prepared, Progress
from pipelines.engine.settings import Settings
from pipelines.engine.snapshots import Tables, take_all
from pipelines.engine.sources import Ask, address_of, ask_nobody
from pipelines.engine.storage import Location, Storage

KINDS = ("rows", "labels")


def deliver(
    settings: Settings, storage: Storage, pipeline: Pipeline, progress: Progress, connections: Ask = ask_nobody
) -> Prepared:
    """Make or fetch all nights.

    Rows that are delivered as files: call the pipeline's `prepare`; for an object store, on this machine first, and upload
    what is not there yet. Rows of a table: take all of its nights; where nobody says which database that is, `prepare` makes
    the laptop's own first, `<connection>.db` in the folder that it is given.

    Raises:
        UsageError: The pipeline makes no data of its own.
        SourceUnavailable, SchemaMismatch: The table cannot be read.
        StorageError: The files cannot be written or uploaded.
        Whatever `prepare` raises.
    """
    target = storage.at(settings.data) / pipeline.name
    used = {side.source.connection for side in (pipeline.rows, pipeline.labels) if side.source}
    if used:
        if pipeline.prepare and not used & {*settings.sources}:
            pipeline.prepare(settings.databases, progress=progress)
        tables = Tables(storage, settings.data, lambda name: address_of(settings, name, connections), progress)
        return take_all(tables, pipeline)
    if pipeline.prepare is None:
        raise UsageError(
            f"{pipeline.name} makes no data of its own: its files are delivered to {target}/rows/. "
            "Declare `prepare=` in its Pipeline to make or fetch them."
        )
    if target.is_here:
        return pipeline.prepare(target.copy(), progress=progress)
    folder = settings.home / "prepared" / pipeline.name
    made = pipeline.prepare(folder, progress=progress)
    written = sum(_upload(folder / kind, target / kind, progress) for kind in KINDS)
    return replace(made, written=written, unchanged=made.written + made.unchanged - written)


def _upload(folder: Path, target: Location, progress: Progress) -> int:
    """Upload the files that are not there, or not of the same content; return how many."""
    files = sorted(folder.glob("*.parquet"))
    known = set(target.names())
    uploaded = 0
    for number, file in enumerate(files, start=1):
        there = target / file.name
        if file.name not in known or sha256_of(there.copy()) != sha256_of(file):
            there.write_file(file)
            uploaded += 1
        progress(number, len(files), f"uploading {target.name}")
    return uploaded
