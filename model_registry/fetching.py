"""Verified load: model files come from the artifact store into a local cache, and are checked each time."""

import contextlib
import shutil
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory

from model_registry.digests import verify
from model_registry.errors import TamperedModel
from model_registry.mlflow_door import Store, transferring
from model_registry.model_directory import PACKAGE
from model_registry.records import ModelVersion
from model_registry.training import download


def fetch(store: Store, version: ModelVersion, cache: Path) -> Path:
    """The package directory of a version, verified; see Registry.fetch."""
    who = f"{version.name} version {version.version}"
    if not version.digest:
        raise TamperedModel(f"{who} has no recorded digest: it was not registered by Nightshift, and is not loaded.")
    place = cache / version.digest
    if not _is_sound(place, version.digest):
        with store.speaking() as client:
            cache.mkdir(parents=True, exist_ok=True)
            uri = client.get_model_version_download_uri(version.name, version.version)
            with TemporaryDirectory(prefix=".fetch-", dir=cache) as scratch, transferring():
                fresh = download(store, uri, Path(scratch) / "model")
                verify(fresh, version.digest, who)
                _put(fresh, place, version.digest)
    return place / PACKAGE


def _is_sound(place: Path, digest: str) -> bool:
    """Whether the cache holds the files, unchanged."""
    try:
        verify(place, digest, str(place))
    except (TamperedModel, OSError):
        return False
    return True


def _put(fresh: Path, place: Path, digest: str) -> None:
    """Move a verified directory to its place in one step. Another process may put the same one there first."""
    if place.exists():
        spoilt = place.with_name(f".spoilt-{uuid.uuid4().hex}")
        with contextlib.suppress(FileNotFoundError):
            place.rename(spoilt)
        shutil.rmtree(spoilt, ignore_errors=True)
    try:
        fresh.rename(place)
    except OSError:
        if not _is_sound(place, digest):
            raise
