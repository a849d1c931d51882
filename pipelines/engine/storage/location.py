"""A file or folder in some store, and what can be done with it."""

from __future__ import annotations

import re
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipelines.engine.errors import StorageError, UsageError, nearest
from pipelines.engine.paths import below, inside
from pipelines.engine.storage.credentials import Credentials, machine_credentials
from pipelines.engine.storage.local import LocalStore
from pipelines.engine.storage.store import Found, Store

SCHEMES = ("s3", "gs")
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Location:
    """A file or folder in a store.

    Every operation may raise `StorageError`, or `StorageUnavailable` where the store does not answer.
    """

    store: Store = field(repr=False)
    path: str

    def __str__(self) -> str:
        return self.store.url(self.path)

    def __truediv__(self, relative: str) -> Location:
        """Go deeper, and only deeper.

        Raises:
            PathRefused: The name leads elsewhere.
        """
        return Location(self.store, below(self.path, relative))

    def recorded(self, url: str) -> Location:
        """Return the location that somebody wrote down as lying below this folder.

        Raises:
            PathRefused: It does not lie there.
        """
        return self / inside(self, url)

    @property
    def is_here(self) -> bool:
        """Whether it lies on this machine's disk."""
        return isinstance(self.store, LocalStore)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def parent(self) -> Location:
        """The folder that it lies in."""
        return Location(self.store, self.path.rsplit("/", 1)[0])

    def exists(self) -> bool:
        """Whether there is such a file."""
        return self.store.find(self.path) is not None

    def find(self) -> Found | None:
        """Return size and time of the file, or None if there is none."""
        return self.store.find(self.path)

    def names(self) -> list[str]:
        """Return the names of what lies directly in the folder, sorted, without hidden ones."""
        return [name for name in self.store.names(self.path) if not name.startswith(".")]

    def walk(self) -> list[tuple[str, Found]]:
        """Return every file below the folder with size and time, by its path relative to it, sorted; hidden ones, too."""
        return self.store.walk(self.path)

    def files(self, suffix: str) -> list[Location]:
        """Return the files of one kind that lie directly in the folder, by name."""
        return [Location(self.store, f"{self.path}/{name}") for name in self.names() if name.endswith(suffix)]

    def copy(self) -> Path:
        """Return a file of this machine with the present content; the file itself if it lies here."""
        return self.store.copy(self.path)

    def copy_with(self, sha256: str) -> Path | None:
        """Return a file of this machine whose content has that digest.

        That is the file itself where it lies here, and else a copy; one that was made before will do, whatever became
        of the file since. None if there is no such content.
        """
        return self.store.copy_with(self.path, sha256)

    def writing(self) -> AbstractContextManager[Path]:
        """Give a path of this machine to write to; when the block ends well, its content is here, whole."""
        return self.store.writing(self.path)

    def write_text(self, text: str) -> Location:
        """Write a text file whole or not at all."""
        with self.writing() as temporary:
            temporary.write_text(text, encoding="utf-8")
        return self

    def write_file(self, file: Path) -> Location:
        """Write what another file holds, whole or not at all."""
        with self.writing() as temporary:
            shutil.copyfile(file, temporary)
        return self

    def remove_unfinished(self) -> None:
        """Remove what killed writers left of this file, or of any whose name begins so."""
        self.store.remove_unfinished(self.path)

    def read_text(self) -> str | None:
        """Return the content of a small text file, or None if there is none."""
        content = self.store.read(self.path)
        return None if content is None else content.decode()

    def delete(self) -> None:
        """Remove the file; no error if there is none."""
        self.store.delete(self.path)

    def in_words(self, error: Exception) -> StorageError:
        """Return what a library said of this location as an error of ours, retryable where asking again can help."""
        return self.store.in_words(error, self.path)

    def delta_options(self) -> dict[str, str]:
        """Return what delta-rs wants to be told to work here."""
        return self.store.delta_options()


def here(path: Path) -> Location:
    """Return a location on this machine's disk."""
    return Location(LocalStore(), path.absolute().as_posix())


@dataclass(frozen=True)
class Storage:
    """All stores that one process uses.

    Attributes:
        cache: Folder of this machine for copies of remote files; safe to delete.
        credentials: Who we are at an object store.
    """

    cache: Path
    credentials: Credentials = field(default=machine_credentials, repr=False)

    def at(self, url: str) -> Location:
        """Return the location that a URL, or an absolute path, names.

        Raises:
            UsageError: There is no such kind of store.
        """
        scheme, path = split_url(url)
        if not scheme:
            return Location(LocalStore(), path)
        return Location(self._s3 if scheme == "s3" else self._google, path)

    @cached_property
    def _s3(self) -> Store:
        from pipelines.engine.storage.remote import RemoteStore

        return RemoteStore("s3", lambda: self.credentials("s3"), self.cache)

    @cached_property
    def _google(self) -> Store:
        from pipelines.engine.storage.remote import RemoteStore

        return RemoteStore("gs", lambda: self.credentials("gs"), self.cache)


def split_url(url: str) -> tuple[str, str]:
    """Split into scheme (empty for this machine) and path; for an object store, that is bucket and key.

    A key is taken as it is written: `#`, `?` and `%` mean nothing in it.

    Raises:
        UsageError: It is none that we know.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "", Path(url).expanduser().absolute().as_posix()
    scheme = scheme.lower()
    if scheme == "file":
        return "", Path(unquote(urlsplit(url).path)).as_posix()
    if scheme not in SCHEMES:
        raise UsageError(
            f"{url!r} is no place that Nightshift can use; expected s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or an absolute "
            f"path.{nearest(scheme, SCHEMES)}"
        )
    bucket, _, key = rest.rstrip("/").partition("/")
    if not bucket:
        raise UsageError(f"{url!r} names no bucket; expected {scheme}://BUCKET/FOLDER")
    if not BUCKET.fullmatch(bucket):
        raise UsageError(
            f"{scheme}:// is followed by {bucket.rsplit('@')[-1]!r}, which can be no bucket's name; expected "
            f"{scheme}://BUCKET/FOLDER, and keys and server in the Airflow connection"
        )
    if not {"", ".", ".."}.isdisjoint(key.split("/")) and key:
        raise UsageError(f"{url!r} has a part without a name, or one that climbs; expected {scheme}://BUCKET/FOLDER")
    return scheme, f"{bucket}/{key}".rstrip("/")
