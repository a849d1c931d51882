"""Verified load: model files come from the artifact store into a local cache, and are checked each time."""

import contextlib
import os
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from model_registry import words
from model_registry.cache import FETCHING, SPOILT, remove
from model_registry.digests import is_digest, verify
from model_registry.errors import NoSuchRun, TamperedModel
from model_registry.mlflow_door import Store, transferring
from model_registry.model_directory import PACKAGE
from model_registry.records import ModelVersion
from model_registry.training import download, get_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlflow import MlflowClient

_STRANGER = (
    "{who} has no recorded digest of its files: it was not registered by Nightshift, and is not loaded.\n"
    "Expected: a version that a training registered. Got: one that was made in MLflow by hand, or lost its tags.\n"
    "If an alias was moved to it by hand, move it back to a version whose tags have `nightshift.digest`; "
    "a model comes in through its training: `nightshift train {name} --as-of NIGHT`."
)


def fetch(store: Store, version: ModelVersion, cache: Path) -> Path:
    """The package directory of a version, verified; see Registry.fetch."""
    who = f"{version.name} version {version.version}"
    if not (version.key and is_digest(version.digest)):
        raise TamperedModel(_STRANGER.format(who=who, name=version.name))
    return _cached(
        store,
        cache,
        version.digest,
        who,
        lambda client: str(client.get_model_version_download_uri(version.name, version.version)),
    )


def fetch_trained(store: Store, run_id: str, digest: str, cache: Path) -> Path:
    """The package directory of a run's model, verified; see Registry.fetch_trained."""

    def address(client: "MlflowClient") -> str:
        model = get_run(client, run_id).data.tags.get(words.MODEL_ID)
        if model is None:
            raise NoSuchRun(f"The run {run_id!r} has no model; train again.")
        return str(client.get_logged_model(model).artifact_location)

    return _cached(store, cache, digest, f"the model of run {run_id}", address)


def _cached(store: Store, cache: Path, digest: str, who: str, address: "Callable[[MlflowClient], str]") -> Path:
    """The package directory with this digest in the cache, fetched from an address if it is not there or not sound."""
    place = cache / digest
    if not _is_sound(place, digest):
        with store.speaking() as client:
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            uri = address(client)
            with TemporaryDirectory(prefix=FETCHING, dir=cache) as scratch, transferring():
                fresh = download(store, uri, Path(scratch) / "model")
                verify(fresh, digest, who)
                _put(fresh, place, digest)
    with contextlib.suppress(OSError):
        os.utime(place)  # when it was last used, for whoever tidies up
    return place / PACKAGE


def _is_sound(place: Path, digest: str) -> bool:
    """Whether the cache holds the files, unchanged; asked before each load, for a cache can be changed as well."""
    if place.is_symlink():  # it could lead elsewhere a moment later
        return False
    try:
        verify(place, digest, str(place))
    except (TamperedModel, OSError):
        return False
    return True


def _put(fresh: Path, place: Path, digest: str) -> None:
    """Move a verified directory to its place in one step. Another process may put the same one there first."""
    if os.path.lexists(place):
        spoilt = place.with_name(f"{SPOILT}{uuid.uuid4().hex}")
        with contextlib.suppress(FileNotFoundError):
            place.rename(spoilt)
        remove(spoilt)
    try:
        fresh.rename(place)
    except OSError:
        if not _is_sound(place, digest):
            raise
