"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.engine.errors import StorageError, StorageFull

UNFINISHED = ".*.part"
"""What a killed writer leaves beside the file that it meant to write, as a pattern."""


@contextmanager
def whole_or_absent(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, its file becomes `path` in one step.

    Raises:
        OSError: As the operating system says it; see `written_whole`.
    """
    temporary = unfinished(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        with suppress(OSError):  # what went wrong before is the thing to say
            temporary.unlink(missing_ok=True)


def unfinished(path: Path) -> Path:
    """Return where this process writes what is to become a file; on a shared disk, no other machine's process does."""
    host = socket.gethostname().replace(".", "-")[:64]
    return path.with_name(f".{path.name}.{host}.{os.getpid()}.part")


def intended(name: str) -> str:
    """Return what a file is to be called when it is finished, by the name that `unfinished` gave it."""
    return name[1:].rsplit(".", 3)[0]


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Do as `whole_or_absent` for what a night writes, and say in words what goes wrong.

    Raises:
        StorageFull: No space is left there.
        StorageError: The folder cannot be written to.
    """
    try:
        with whole_or_absent(path) as temporary:
            yield temporary
    except OSError as error:
        raise in_words(error, path) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def in_words(error: Exception, path: object) -> StorageError:
    """Return what went wrong with a path, and what to do."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
        return StorageFull(f"no space left for {path}. Nothing was published; free some space, and the retry goes on.")
    reason = getattr(error, "strerror", None) or in_one_line(error)
    return StorageError(f"cannot write {path}: {reason}. Nothing was published; mend the folder and clear the task.")


def in_one_line(error: Exception) -> str:
    """Return what a library of another language says, without its colours, arrows, and the stack that it may add."""
    lines = re.sub(r"\x1b\[[0-9;]*m|\u21b3", "", str(error)).splitlines()
    stack = next((number for number, line in enumerate(lines) if re.match(r"\s*0: ", line)), len(lines))
    return ": ".join(line.strip() for line in lines[:stack] if line.strip())
