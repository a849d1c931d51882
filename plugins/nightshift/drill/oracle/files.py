"""Bytes of a folder or a bucket, with pathlib and boto3."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


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
        self._bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._environment = environment

    def _client(self) -> Any:
        import boto3

        told = self._environment
        return boto3.client(
            "s3",
            endpoint_url=told["AWS_ENDPOINT_URL"],
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
            region_name=told["AWS_REGION"],
        )

    def names(self, below: str) -> list[str]:
        """Return the paths of all objects below a folder, sorted."""
        pages = self._client().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{below}/")
        keys = [entry["Key"] for page in found for entry in page.get("Contents", [])]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def read(self, name: str) -> bytes:
        """Return an object's bytes."""
        answer = self._client().get_object(Bucket=self._bucket, Key=f"{self._prefix}{name}")
        content: bytes = answer["Body"].read()
        return content
