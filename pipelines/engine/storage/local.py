"""This machine's disk."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.engine.errors import StorageError
from pipelines.engine.files import UNFINISHED, in_words, sha256_of, written_whole
from pipelines.engine.storage.store import Found

ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class LocalStore:
    """Paths are absolute paths of this machine; a file is its own copy."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LocalStore)

    def __hash__(self) -> int:
        return hash(LocalStore)

    def url(self, path: str) -> str:
        """Return the path."""
        return path

    def find(self, path: str) -> Found | None:
        """Return size and time of a file, or None if there is none."""
        try:
            status = Path(path).stat()
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise unreadable(path, error) from error  # a disk that fails is no reason to do finished work again
        return Found(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None

    def names(self, path: str) -> list[str]:
        """Return the names of what lies directly in a folder, sorted; none if there is no folder."""
        try:
            return sorted(entry.name for entry in Path(path).iterdir())
        except OSError as error:
            if error.errno in ABSENT:
                return []
            raise unreadable(path, error) from error

    def read(self, path: str) -> bytes | None:
        """Return the content of a small file, or None if there is none."""
        try:
            return Path(path).read_bytes()
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise unreadable(path, error) from error

    def walk(self, path: str) -> list[tuple[str, Found]]:
        """Return every file below a folder; links are neither followed nor listed."""
        found = []
        for folder, _, names in os.walk(path):
            for file in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):  # gone since it was listed
                    status = file.lstat()
                    if stat.S_ISREG(status.st_mode):
                        found.append((file.relative_to(path).as_posix(), Found(status.st_size, status.st_mtime_ns)))
        return sorted(found)

    def copy(self, path: str) -> Path:
        """Return the path itself."""
        return Path(path)

    def copy_with(self, path: str, sha256: str) -> Path | None:
        """Return the path if its content has that digest."""
        file = Path(path)
        return file if file.is_file() and sha256_of(file) == sha256 else None

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """Give a temporary path beside it; see `written_whole`."""
        with written_whole(Path(path)) as temporary:
            yield temporary

    def remove_unfinished(self, path: str) -> None:
        """Remove what killed writers of this path, or of any that begins so, left."""
        begin = Path(path)
        for leftover in begin.parent.glob(UNFINISHED.replace("*", f"{begin.name}*", 1)):
            leftover.unlink(missing_ok=True)

    def delete(self, path: str) -> None:
        """Remove a file; no error if there is none."""
        try:
            Path(path).unlink(missing_ok=True)
        except OSError as error:
            raise in_words(error, path) from error

    def in_words(self, error: Exception, path: str) -> StorageError:
        """Return what the operating system, or a library, said of a path."""
        return in_words(error, path)

    def delta_options(self) -> dict[str, str]:
        """Return nothing: a disk needs no credentials."""
        return {}


def unreadable(path: str, error: OSError) -> StorageError:
    """Return what the operating system says of a file or folder that is there and cannot be looked at."""
    return StorageError(
        f"cannot read {path}: {error.strerror}. Nothing was published; mend the folder or its rights, and clear the task."
    )
