"""Copies of remote files on this machine, named by what they hold.

Anybody may remove them at any time, and several processes may share the folder: a copy is moved into its place whole,
its bytes are digested again before each use, and what nobody used for a week is removed. Nothing is synchronised to the
disk: after a power cut the digest tells what is whole.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.engine.files import in_words, sha256_of

KEPT_SECONDS = 7 * 24 * 3600.0


class Copies:
    """A folder of copies.

    Args:
        folder: Made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, sha256: str, like: str) -> Path | None:
        """Return the copy of that digest, or None if there is none, or a damaged one.

        Args:
            sha256: In hex.
            like: A path whose ending the copy has, for those who judge files by it.
        """
        kept = self._place(sha256, like)
        with suppress(OSError):
            os.utime(kept)  # first, so that nobody thinks it forgotten while its bytes are read
            if sha256_of(kept) == sha256:
                return kept
        return None

    def known(self, version: str, like: str) -> Path | None:
        """Return the copy of a version that was received before, or None."""
        with suppress(OSError):
            return self.find(self._note(version).read_text(), like)
        return None

    def receive(self, like: str, chunks: Iterable[bytes]) -> Path:
        """Keep what comes as a copy, and return it.

        Raises:
            StorageFull, StorageError: The folder cannot be written to.
            Whatever the chunks raise; nothing is kept then.
        """
        digest = hashlib.sha256()
        with self._incoming() as incoming:
            with incoming.open("wb") as target:
                for chunk in chunks:
                    digest.update(chunk)
                    target.write(chunk)
            kept = incoming.replace(self._place(digest.hexdigest(), like))
        forget_old(self._folder)
        return kept

    def remember(self, version: str, copy: Path) -> None:
        """Note that a copy is what a version holds."""
        with self._incoming() as incoming:
            incoming.write_text(copy.name.split(".")[0])
            incoming.replace(self._note(version))

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        """Give a name of nobody else's, not even of another thread's; what is left of it is removed."""
        incoming = self._folder / f".{uuid.uuid4().hex}.part"
        try:
            with local_words(incoming):
                self._folder.mkdir(parents=True, exist_ok=True)
                yield incoming
        finally:
            with suppress(OSError):
                incoming.unlink(missing_ok=True)

    def _place(self, sha256: str, like: str) -> Path:
        return self._folder / f"{sha256}{Path(like).suffix[:16]}"

    def _note(self, version: str) -> Path:
        return self._folder / f"version-{hashlib.sha256(version.encode()).hexdigest()}"


def forget_old(folder: Path) -> None:
    """Remove the files of a folder that nobody used for a week."""
    oldest = time.time() - KEPT_SECONDS
    with suppress(OSError):
        for file in folder.iterdir():
            with suppress(OSError):
                if file.stat().st_mtime < oldest:
                    file.unlink()


@contextmanager
def local_words(path: Path) -> Iterator[None]:
    """Say in words what goes wrong with a file of this machine.

    Raises:
        StorageFull, StorageError: Instead of the OSError inside.
    """
    try:
        yield
    except OSError as error:
        raise in_words(error, path) from error
