"""What somebody elsewhere must know to score a shard: an order, as plain JSON, and the model's package, as one file.

Rows, quarantine, package and output are named by address, and whoever carries the order out reaches them by himself. What
must not differ from here is named by digest: the rows, the package, the code, the declaration, the libraries.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any

from pipelines.engine.code import code_digest
from pipelines.engine.keys import digest_of
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime
from pipelines.engine.score_form import asked
from pipelines.engine.scoring_engines.base import ShardWork
from pipelines.engine.steps.champion import fetch
from pipelines.engine.storage import Location

LIBRARIES = ("lightgbm", "numpy", "pandas", "pyarrow", "scikit-learn")
"""Whose other versions may give other scores, or other files."""
FOLDER = "packages"


def make_order(work: ShardWork, package: tuple[Location, str]) -> str:
    """Write a shard's work down.

    Args:
        work: The work.
        package: Where the model's package lies, and its digest; see `Packages`.
    """
    place, sha256 = package
    return json.dumps(
        {
            "pipeline": work.pipeline.name,
            "declared": declared(work.pipeline),
            "code": our_code(),
            "libraries": our_libraries(),
            "shard": work.shard.to_json(),
            "rows": str(work.runtime.rows_folder(work.pipeline)),
            "quarantine": str(work.quarantine) if work.quarantine else None,
            "quarantine_sha256": work.quarantine_sha256,
            "package": str(place),
            "package_sha256": sha256,
            "model_version": work.stamp.model_version,
            "key": work.stamp.key,
            "scored_at": work.stamp.scored_at.isoformat(),
            "output": str(work.output),
        }
    )


def declared(pipeline: Pipeline) -> str:
    """Return a digest of what scoring reads of a declaration."""
    columns = [dict(pipeline.rows.columns), list(pipeline.id_columns), list(pipeline.features)]
    return digest_of([*columns, *asked(pipeline).values()])


def our_code() -> str:
    """Return a digest of the code that carries orders out."""
    return code_digest("pipelines.engine.scoring_engines.executor")


def our_libraries() -> dict[str, str]:
    """Return the installed versions of `LIBRARIES`; empty for one that is missing."""
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


class Packages:
    """Verified model packages, each as one file where executors find it: `<tables>/<pipeline>/packages/<digest>.zip`."""

    def __init__(self) -> None:
        self._placed: dict[tuple[str, str, str], tuple[Location, str]] = {}
        self._lock = Lock()

    def place(self, work: ShardWork) -> tuple[Location, str]:
        """Return where the package of a shard's model lies, and its digest; it is put there if it is missing.

        Raises:
            TamperedModel: The registry holds other files than were registered.
            StorageError: It cannot be put there.
        """
        with self._lock:
            known = (work.runtime.settings.tables, work.pipeline.name, work.version.digest)
            if known not in self._placed:
                self._placed[known] = _place(work.runtime, work.pipeline, fetch(work.runtime, work.version))
            return self._placed[known]


def packages_folder(runtime: Runtime, pipeline: Pipeline) -> Location:
    """Where packages lie for those who score elsewhere."""
    return runtime.storage.at(runtime.settings.tables) / pipeline.name / FOLDER


def _place(runtime: Runtime, pipeline: Pipeline, folder: Path) -> tuple[Location, str]:
    packed = pack(folder)
    sha256 = hashlib.sha256(packed).hexdigest()
    place = packages_folder(runtime, pipeline) / f"{sha256}.zip"
    if place.copy_with(sha256) is None:  # what lies there under this name with other bytes is replaced
        with place.writing() as temporary:
            temporary.write_bytes(packed)
    return place, sha256


def pack(folder: Path) -> bytes:
    """Return a folder as a zip file, the same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = zipfile.ZipInfo(file.relative_to(folder).as_posix())  # dated 1980, whenever it was written
            name.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(name, file.read_bytes())
    return packed.getvalue()


def read_order(text: str) -> dict[str, Any]:
    """Read what `make_order` wrote."""
    order: dict[str, Any] = json.loads(text)
    return order
