"""Bytes of a folder or a bucket, with pathlib and boto3."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from nightshift.drill.buckets import open_bucket


class Files(Protocol):
    """A tree of files, named by paths relative to its root."""

    def names(self, below: str) -> list[str]:
        """Return the paths of all files below a folder, sorted."""

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""


class Folder:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, below: str) -> list[str]:
        """Return the paths of all files below a folder, sorted."""
        found = (self._root / below).rglob("*")
        return sorted(path.relative_to(self._root).as_posix() for path in found if path.is_file())

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        return (self._root / name).read_bytes()


class Bucket:
    """A part of an S3 bucket.

    Args:
        url: `s3://BUCKET/PREFIX`.
        environment: Says who we are and where the server is, by the names of Amazon's own tools.
    """

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        name, _, prefix = url.removeprefix("s3://").partition("/")
        self._bucket = open_bucket(environment, name)
        self._prefix = f"{prefix}/" if prefix else ""

    def names(self, below: str) -> list[str]:
        """Return the paths of all objects below a folder, sorted."""
        found = self._bucket.objects.filter(Prefix=f"{self._prefix}{below}/")
        return sorted(entry.key.removeprefix(self._prefix) for entry in found)

    def read(self, name: str) -> bytes:
        """Return an object's bytes."""
        content: bytes = self._bucket.Object(f"{self._prefix}{name}").get()["Body"].read()
        return content
