"""The cache of verified packages on this machine: what lies there, and how one is thrown away."""

import contextlib
import os
import shutil
import uuid
from pathlib import Path

from model_registry.digests import is_digest
from model_registry.records import CachedPackage

FETCHING = ".fetch-"
SPOILT = ".spoilt-"


def cached_packages(cache: Path) -> list[CachedPackage]:
    """Every package of the cache, and what interrupted fetches left there; none if there is no cache."""
    if not cache.is_dir():
        return []
    ours = (
        path for path in sorted(cache.iterdir()) if is_digest(path.name) or path.name.startswith((FETCHING, SPOILT))
    )
    return [_read(path) for path in ours if path.is_dir() and not path.is_symlink()]


def discard(cache: Path, name: str) -> None:
    """Remove one of them. It leaves its place in one step, so that nobody finds half a package; no error if it is gone."""
    spoilt = cache / f"{SPOILT}{uuid.uuid4().hex}"
    with contextlib.suppress(FileNotFoundError):
        (cache / Path(name).name).rename(spoilt)
        remove(spoilt)


def remove(spoilt: Path) -> None:
    """Remove what must not be used; of a link the link, never what it leads to."""
    if spoilt.is_dir() and not spoilt.is_symlink():
        shutil.rmtree(spoilt, ignore_errors=True)
    else:
        spoilt.unlink(missing_ok=True)


def _read(path: Path) -> CachedPackage:
    size = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                size += Path(folder, name).lstat().st_size
    used_at = path.stat().st_mtime
    return CachedPackage(path.name, size, used_at)
