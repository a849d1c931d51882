"""What differs between this machine's disk and an object store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from pipelines.engine.errors import StorageError


class Found(NamedTuple):
    """What a store says of a file: its size in bytes, and when it was last written, in nanoseconds since 1970."""

    size: int
    modified_ns: int


class Store(Protocol):
    """A kind of store; paths are its own."""

    def url(self, path: str) -> str:
        """Return how people write a path."""

    def find(self, path: str) -> Found | None:
        """Return size and time of a file, or None if there is none."""

    def names(self, path: str) -> list[str]:
        """Return the names of what lies directly in a folder, sorted; none if there is no folder."""

    def walk(self, path: str) -> list[tuple[str, Found]]:
        """Return every file below a folder, by its path relative to it, sorted; none if there is no folder."""

    def read(self, path: str) -> bytes | None:
        """Return the content of a small file, or None if there is none."""

    def copy(self, path: str) -> Path:
        """Return a file of this machine with the content of a path."""

    def copy_with(self, path: str, sha256: str) -> Path | None:
        """Return a file of this machine with that digest: a copy made before, or of what is at the path; else None."""

    def writing(self, path: str) -> AbstractContextManager[Path]:
        """Give a path of this machine to write to; when the block ends well, its content is there whole."""

    def remove_unfinished(self, path: str) -> None:
        """Remove what killed writers of a path, or of any path that begins so, left on this machine."""

    def delete(self, path: str) -> None:
        """Remove a file; no error if there is none."""

    def in_words(self, error: Exception, path: str) -> StorageError:
        """Return what a library said of a path as an error of ours, retryable where asking again can help."""

    def delta_options(self) -> dict[str, str]:
        """Return what delta-rs wants to be told."""
