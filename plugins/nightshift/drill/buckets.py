"""A bucket, with boto3; and whole ones at once: keep one, empty it, bring it back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def open_bucket(environment: Mapping[str, str], name: str) -> Any:
    """Return a boto3 bucket.

    Args:
        environment: Says who we are and where the server is, by the names of Amazon's own tools.
        name: The bucket's.
    """
    import boto3

    return boto3.resource(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    ).Bucket(name)


def empty(environment: Mapping[str, str], name: str) -> None:
    """Remove all objects of a bucket; makes it if there is none."""
    bucket = open_bucket(environment, name)
    bucket.create()
    bucket.objects.delete()


def download(environment: Mapping[str, str], name: str, folder: Path) -> None:
    """Copy all objects into a folder."""
    for entry in open_bucket(environment, name).objects.all():
        target = folder / entry.key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(entry.get()["Body"].read())


def upload(environment: Mapping[str, str], folder: Path, name: str) -> None:
    """Copy all files of a folder into a bucket."""
    bucket = open_bucket(environment, name)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            bucket.put_object(Key=path.relative_to(folder).as_posix(), Body=path.read_bytes())
