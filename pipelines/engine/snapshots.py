"""Take the nights of a table into files: from there on they are like any delivered night.

A night becomes visible whole or not at all, under its usual name, and the same rows give the same bytes: a file that
holds them already is left alone. So a night that changed in the database is a new delivery, and one that did not is none.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.engine.files import sha256_of
from pipelines.engine.nights import training_nights
from pipelines.engine.pipeline import Labels, Pipeline, Prepared, Progress, Rows
from pipelines.engine.rows import known_nights
from pipelines.engine.sql_source import SqlReader, no_rows, opened
from pipelines.engine.storage import Location, Storage

if TYPE_CHECKING:
    from pipelines.engine.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taken:
    """What was taken of one night: how many rows, and whether a file was written for them."""

    rows: int
    written: bool


@dataclass(frozen=True)
class Tables:
    """What taking needs.

    Attributes:
        storage: Reaches the files.
        data: Root of rows and labels.
        address: Connection to SQLAlchemy URL.
        progress: Told how far it has come.
    """

    storage: Storage
    data: str
    address: Callable[[str], str]
    progress: Progress

    @classmethod
    def of(cls, runtime: Runtime) -> Tables:
        """Return what a runtime knows."""
        return cls(runtime.storage, runtime.settings.data, runtime.database, runtime.progress)

    def folder(self, pipeline: Pipeline, kind: str) -> Location:
        """Where the rows or labels of nights are delivered."""
        return self.storage.at(self.data) / pipeline.name / kind


def take_night(tables: Tables, pipeline: Pipeline, night: str) -> None:
    """Take the rows of a night, if they come from a table. A night that the table has no longer stays as it was taken.

    Raises:
        SourceUnavailable: The database does not answer; nothing was taken.
        SchemaMismatch, RowsMissing: The table is not as declared, or never had the night.
        UsageError: Nobody said where the database is.
    """
    source = pipeline.rows.source
    if source is None:
        return
    folder = tables.folder(pipeline, "rows")
    with opened(tables.address(source.connection), source) as reader:
        taken = _take(reader, pipeline, pipeline.rows, folder, night)
        if taken is None and not (folder / f"{night}.parquet").exists():
            raise no_rows(source, night, reader.nights())
    if taken is None:
        log.warning("table %s has no row of night %s any more; what was taken before stands", source.table, night)


def take_missing(tables: Tables, pipeline: Pipeline, as_of: str) -> None:
    """Take those nights of a training window that were not taken yet, rows and labels; see `take_night`."""
    older, holdout = training_nights(as_of, pipeline.window, pipeline.labels.lag_nights)
    for kind, side in _sides(pipeline):
        missing = {*older, *holdout} - {*known_nights(tables.folder(pipeline, kind))}
        if missing:
            _take_each(tables, pipeline, kind, side, missing)


def take_all(tables: Tables, pipeline: Pipeline) -> Prepared:
    """Take every night that the tables have, also those that were taken before.

    Returns:
        What there is now, as `nightshift data` tells it.
    """
    taken = {kind: _take_each(tables, pipeline, kind, side, None) for kind, side in _sides(pipeline)}
    nights = known_nights(tables.folder(pipeline, "rows"))
    each = [found for nights in taken.values() for found in nights]
    written = sum(found.written for found in each)
    rows = sum(found.rows for found in taken.get("rows", ()))
    return Prepared(len(nights), written, len(each) - written, rows, *((nights[0], nights[-1]) if nights else ("", "")))


def _sides(pipeline: Pipeline) -> list[tuple[str, Rows | Labels]]:
    sides: tuple[tuple[str, Rows | Labels], ...] = (("rows", pipeline.rows), ("labels", pipeline.labels))
    return [(kind, side) for kind, side in sides if side.source]


def _take_each(
    tables: Tables, pipeline: Pipeline, kind: str, side: Rows | Labels, wanted: Collection[str] | None
) -> list[Taken]:
    """Take the wanted nights (None for all) that a table has, through one connection."""
    source, taken = side.source, []
    assert source is not None  # noqa: S101 - for the type checker
    with opened(tables.address(source.connection), source) as reader:
        nights = [night for night in reader.nights() if wanted is None or night in wanted]
        for number, night in enumerate(nights, start=1):
            taken.append(_take(reader, pipeline, side, tables.folder(pipeline, kind), night))
            tables.progress(number, len(nights), f"taking {kind} from table {source.table}")
    return [found for found in taken if found]


def _take(reader: SqlReader, pipeline: Pipeline, side: Rows | Labels, folder: Location, night: str) -> Taken | None:
    """Write a night's rows into its file, unless it holds them already; None if the table has none."""
    with tempfile.TemporaryDirectory(prefix="nightshift-") as temporary:
        copy = Path(temporary) / "night.parquet"
        rows = _write(reader, pipeline, side, night, copy)
        if not rows:
            return None
        place = folder / f"{night}.parquet"
        known = place.exists() and sha256_of(place.copy()) == sha256_of(copy)
        if not known:
            place.write_file(copy)
        return Taken(rows, not known)


def _write(reader: SqlReader, pipeline: Pipeline, side: Rows | Labels, night: str, file: Path) -> int:
    import pyarrow.parquet as pq

    rows, writer = 0, None
    try:
        for batch in reader.batches(night, side.columns, pipeline.id_columns, pipeline.rows.sensitive):
            if writer is None:
                writer = pq.ParquetWriter(file, batch.schema, compression="zstd", compression_level=1)
            writer.write_batch(batch)
            rows += batch.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows
