"""Verified load: model files come from the artifact store into a local cache, and are checked each time."""

import contextlib
import os
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

from model_registry import words
from model_registry.cache import FETCHING, SPOILT, remove
from model_registry.digests import is_digest, verify
from model_registry.errors import NoSuchRun, TamperedModel
from model_registry.mlflow_door import Store, transferring
from model_registry.model_directory import PACKAGE
from model_registry.records import ModelVersion
from model_registry.training import download, get_run

_STRANGER = (
    "{who} has no recorded digest of its files: it was not registered by Nightshift, and is not loaded.\n"
    "Expected: a version that a training registered. Got: one that was made in MLflow by hand, or lost its tags.\n"
    "If an alias was moved to it by hand, move it back to a version whose tags have `nightshift.digest`; "
    "a model comes in through its training: `nightshift train {name} --as-of NIGHT`."
)


def fetch(store: Store, version: ModelVersion, cache: Path) -> Path:
    """The package directory of a version, verified; see Registry.fetch."""

    def bring(target: Path) -> Path:
        with transferring():
            client = store.client
            uri = client.get_model_version_download_uri(version.name, version.version)
            return download(store, uri, target)

    return fetch_with(bring, version, cache, within=store.speaking)


def fetch_trained(store: Store, run_id: str, digest: str, cache: Path) -> Path:
    """The package directory of a run's model, verified; see Registry.fetch_trained."""

    def bring(target: Path) -> Path:
        client = store.client
        model = get_run(client, run_id).data.tags.get(words.MODEL_ID)
        if model is None:
            raise NoSuchRun(f"The run {run_id!r} has no model; train again.")
        with transferring():
            return download(store, str(client.get_logged_model(model).artifact_location), target)

    return fetch_verified(bring, digest, f"the model of run {run_id}", cache, within=store.speaking)


def fetch_with(
    bring: Callable[[Path], Path],
    version: ModelVersion,
    cache: Path,
    *,
    within: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Path:
    """The package directory of a version, verified; arguments as of `fetch_verified`.

    Raises:
        TamperedModel: nobody recorded the digest of its files, or they are others.
    """
    who = f"{version.name} version {version.version}"
    if not (version.key and is_digest(version.digest)):
        raise TamperedModel(_STRANGER.format(who=who, name=version.name))
    return fetch_verified(bring, version.digest, who, cache, within=within)


def fetch_verified(
    bring: Callable[[Path], Path],
    digest: str,
    who: str,
    cache: Path,
    *,
    within: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Path:
    """The package directory with a digest, from the cache or else brought there.

    Args:
        bring: copies the model directory to where it is told, and says where it lies.
        digest: of its files.
        who: whose model it is, for messages.
        cache: where packages are kept, each under its digest.
        within: a block around what moves files; never entered for a package that is in the cache.

    Raises:
        TamperedModel: the files are others than the digest says.
    """
    place = cache / digest
    if not _is_sound(place, digest):
        with within():
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            with TemporaryDirectory(prefix=FETCHING, dir=cache) as scratch:
                fresh = bring(Path(scratch) / "model")
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
