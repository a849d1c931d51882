"""Files that are whole or absent: atomic writes, one writer at a time, and a memory of what was written."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pipelines.engine.errors import StorageError, StorageFull
from pipelines.engine.files import UNFINISHED, whole_or_absent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

MANIFEST = "prepared.json"
_LOCK = ".prepare.lock"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Manifest:
    """What a folder was filled from, and with.

    Attributes:
        inputs: Digest of everything that the files are made from: sources, code, writing libraries.
        rows: Number of rows over all row files.
        files: SHA-256 of each file, by its path relative to the folder.
    """

    inputs: str
    rows: int
    files: Mapping[str, str]

    def holds(self, folder: Path) -> bool:
        """Say whether every file is there with exactly the bytes that were written."""
        return all(digest_of(folder / name) == digest for name, digest in self.files.items())


def read_manifest(folder: Path) -> Manifest | None:
    """Return the folder's manifest, or None when it has none that can be read."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(inputs=str(found["inputs"]), rows=int(found["rows"]), files=dict(found["files"]))
        return manifest if manifest.files else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the folder's manifest."""
    write_whole(folder / MANIFEST, (json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n").encode())


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file: one row group, zstd; the same table gives the same bytes."""
    import pyarrow as pa
    from pyarrow import parquet

    sink = pa.BufferOutputStream()
    parquet.write_table(
        table,
        sink,
        version="2.6",
        compression="zstd",
        use_dictionary=True,
        write_statistics=True,
        row_group_size=max(table.num_rows, 1),
    )
    return bytes(sink.getvalue())


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file's contents, or None when there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a kill at any moment, meets the old file or the new one."""
    with whole_or_absent(path) as temporary:
        temporary.write_bytes(content)


def settle(folder: Path) -> None:
    """Make the names of a folder's files as durable as their contents."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unfinished_in(folder: Path) -> list[Path]:
    """Return the files that a killed run did not finish."""
    return [*folder.glob(UNFINISHED), *folder.glob(f"*/{UNFINISHED}")]


@contextmanager
def locked(folder: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold a folder alone; the operating system lets go when the process ends, however it ends.

    Args:
        folder: An existing folder.
        on_wait: Called once when somebody else holds it.
    """
    with (folder / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def helpful(folder: Path) -> Iterator[None]:
    """Turn what the operating system says of a folder into one sentence with a next step.

    Raises:
        StorageFull: There is no room left, or a quota or file size limit is reached.
        StorageError: The folder cannot be made, read or written.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            raise StorageFull(
                f"The flights data need about 30 MB in {folder}, but there is no room: {reason}. "
                f"Free some space or set NIGHTSHIFT_DATA to another disk, and run it again: finished files are kept."
            ) from error
        raise StorageError(
            f"The flights data belong in {folder}, but {error.filename or folder} cannot be used: {reason}. "
            f"Set NIGHTSHIFT_DATA to a folder that you may write."
        ) from error
