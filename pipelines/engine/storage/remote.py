"""S3 and Google Cloud Storage, through pyarrow.

Bytes travel whole: down into copies that are named by their digest, and up from a file that is already whole here. An
upload that is sent again writes the same bytes under the same name, so a lost reply does no harm.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from pipelines.engine.errors import NightshiftError, StorageError, StorageUnavailable
from pipelines.engine.storage.clients import DELTA_PATIENCE, in_remote_words, open_client
from pipelines.engine.storage.copies import Copies, forget_old, local_words
from pipelines.engine.storage.credentials import Google, Simple
from pipelines.engine.storage.store import Found
from pipelines.engine.telemetry.step import cache_used

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import fs

log = logging.getLogger(__name__)
CHUNK = 8 << 20
"""Each is a request of its own on the way down."""
FLUSH_CHUNKS = 8
"""pyarrow sends parts in the background and keeps all that wait in memory; so many at most."""
RENEW_SECONDS = 300.0
"""How long credentials are used before they are asked for again; those of a role end after an hour or less."""
DOWNLOADS = 3


class Connected(NamedTuple):
    """A client of one process, and whose it is."""

    process: int
    since: float
    who: Simple | Google
    files: fs.FileSystem


class RemoteStore:
    """An object store; paths are `bucket/key`.

    Args:
        scheme: `s3` or `gs`.
        ask: Says who we are there; asked when the store is first used, and every few minutes after that.
        cache: Folder of this machine for copies and for files that wait for their upload.
    """

    def __init__(self, scheme: str, ask: Callable[[], Simple | Google], cache: Path) -> None:
        self._scheme = scheme
        self._ask = ask
        self._copies = Copies(cache / "copies")
        self._outgoing = cache / "outgoing"
        self._connected: Connected | None = None

    def _connect(self) -> Connected:
        """Return the client of this process; one that was opened before a fork is not used after it."""
        now, process = time.monotonic(), os.getpid()
        before = self._connected if self._connected and self._connected.process == process else None
        if before and now - before.since < RENEW_SECONDS:
            return before
        try:
            who = self._ask()
            self._connected = Connected(process, now, who, open_client(who))
        except NightshiftError as error:
            if before is None:
                raise
            log.warning("the credentials for %s:// are not renewed: %s", self._scheme, error)
            self._connected = before._replace(since=now)
        return self._connected

    @property
    def _files(self) -> fs.FileSystem:
        return self._connect().files

    def url(self, path: str) -> str:
        """Return the URL."""
        return f"{self._scheme}://{path}"

    def find(self, path: str) -> Found | None:
        """Return size and time of an object, or None if there is none."""
        from pyarrow import fs

        with self._in_words(path):
            info = self._files.get_file_info(path)
        return Found(info.size, info.mtime_ns) if info.type == fs.FileType.File else None

    def names(self, path: str) -> list[str]:
        """Return the names of what lies directly in a folder, sorted.

        Raises:
            StorageError: There is no such bucket.
        """
        from pyarrow import fs

        with self._in_words(path):
            infos = self._files.get_file_info(fs.FileSelector(path, allow_not_found=True))
        if not infos:
            self._require_bucket(path)
        return sorted(info.base_name for info in infos)

    def walk(self, path: str) -> list[tuple[str, Found]]:
        """Return every object below a folder."""
        from pyarrow import fs

        with self._in_words(path):
            infos = self._files.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
        files = (info for info in infos if info.type == fs.FileType.File)
        return sorted((info.path.removeprefix(f"{path}/"), Found(info.size, info.mtime_ns)) for info in files)

    def _require_bucket(self, path: str) -> None:
        """Both libraries answer a list of a missing bucket with nothing."""
        from pyarrow import fs

        bucket = path.split("/", 1)[0]
        with suppress(OSError):  # who may not ask for the bucket itself has seen that it can be listed
            if self._files.get_file_info(bucket).type == fs.FileType.NotFound:
                raise StorageError(
                    f"there is no bucket {self.url(bucket)}, so nothing is at {self.url(path)}. "
                    "Check the settings' addresses and the connection's endpoint and region."
                )

    def read(self, path: str) -> bytes | None:
        """Return the content of an object, or None if there is none."""
        with self._in_words(path):
            try:
                with self._files.open_input_stream(path) as source:
                    content: bytes = source.read()
                    return content
            except FileNotFoundError:
                return None

    def copy(self, path: str) -> Path:
        """Return a copy of an object as it is now, all of it from one version.

        Raises:
            StorageError: It is gone.
            StorageUnavailable: The store does not answer, or the object is being written again and again.
        """
        for _ in range(DOWNLOADS):
            with self._in_words(path):
                source = self._files.open_input_stream(path)
            with source:
                version = self._version(source, path)
                known = self._copies.known(version, path)
                cache_used("copies", hit=known is not None)
                if known:
                    return known
                copy = self._copies.receive(path, self._chunks(source, path))
            # It comes in several requests, and somebody may have put another object there in between.
            if self._present_version(path) == version:
                self._copies.remember(version, copy)
                return copy
        raise StorageUnavailable(
            f"{self.url(path)} was written anew during each of {DOWNLOADS} downloads. Nothing was published; the retry "
            "goes on when its delivery is done."
        )

    def _chunks(self, source: pa.NativeFile, path: str) -> Iterator[bytes]:
        while True:
            with self._in_words(path):
                chunk: bytes = source.read(CHUNK)
            if not chunk:
                return
            yield chunk

    def _version(self, source: pa.NativeFile, path: str) -> str:
        """Return what tells one content of a path from all others, as the store has it: its ETag, size and time."""
        with self._in_words(path):
            said = {name.lower(): value for name, value in source.metadata().items()}
        names = ("etag", "generation", "content-length", "size", "last-modified", "updated")
        return "\n".join([self.url(path), *(f"{name}={said.get(name)}" for name in names)])

    def _present_version(self, path: str) -> str | None:
        try:
            with self._files.open_input_stream(path) as source:
                return self._version(source, path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.in_words(error, path) from error

    def copy_with(self, path: str, sha256: str) -> Path | None:
        """Return a copy of that digest: one that is here already, or else of what is there now, if it is that."""
        kept = self._copies.find(sha256, path)
        if kept:
            cache_used("copies", hit=True)
        if kept or self.find(path) is None:
            return kept
        present = self.copy(path)
        return present if present.name.split(".")[0] == sha256 else None

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """Give a path of this machine; when the block ends well, it is uploaded, and its size is read back."""
        temporary = self._outgoing / f"{self._waiting(path)}.{uuid.uuid4().hex[:12]}.part"
        forget_old(self._outgoing)
        try:
            with local_words(temporary):
                temporary.parent.mkdir(parents=True, exist_ok=True)
                yield temporary
            self._upload(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _upload(self, file: Path, path: str) -> None:
        """Upload a file under its name, and look whether it is there.

        Sent from a thread of its own, and waited for: a stream of pyarrow's that is left because of an interrupt or of a
        task's timeout completes its object with what it has, half a file; and these hit the main thread alone.
        """
        with local_words(file), file.open("rb") as source, ThreadPoolExecutor(1) as thread:
            size = thread.submit(self.send, self._files, source, path).result()
        found = self.find(path)
        if found is None or found.size != size:
            raise StorageUnavailable(
                f"{self.url(path)} should have {size:,} bytes after its upload and has {found.size if found else 'none'}; "
                "nothing was published. The retry uploads it again."
            )

    def send(self, files: fs.FileSystem, source: BinaryIO, path: str) -> int:
        """Send a stream, and return how many bytes it had.

        Raises:
            StorageError: The store refuses, or does not answer; then nothing is there.
            OSError: The stream cannot be read; what was sent of it is removed again.
        """
        size = chunks = 0
        with self._in_words(path):
            target = files.open_output_stream(path)
        while chunk := self._next(source, target, files, path):
            size, chunks = size + len(chunk), chunks + 1
            with self._in_words(path):
                target.write(chunk)
                if chunks % FLUSH_CHUNKS == 0:
                    target.flush()
        with self._in_words(path):
            target.close()
        return size

    def _next(self, source: BinaryIO, target: pa.NativeFile, files: fs.FileSystem, path: str) -> bytes:
        try:
            return source.read(CHUNK)
        except OSError:
            with suppress(OSError):
                target.close()  # it does so by itself, sooner or later, and there is no other way to end it
                files.delete_file(path)
            raise

    def remove_unfinished(self, path: str) -> None:
        """Remove what killed writers left waiting on this machine."""
        begin = self._waiting(path)
        with suppress(OSError):
            for leftover in self._outgoing.iterdir():
                if leftover.name.startswith(begin):
                    leftover.unlink(missing_ok=True)

    def _waiting(self, path: str) -> str:
        """Return how the names of files begin that wait for being uploaded to this path, or to one that begins so."""
        folder, _, name = path.rpartition("/")
        return f".{hashlib.sha256(self.url(folder).encode()).hexdigest()[:16]}-{name[:128]}"

    def delete(self, path: str) -> None:
        """Remove an object; no error if there is none."""
        with self._in_words(path), suppress(FileNotFoundError):
            self._files.delete_file(path)

    def in_words(self, error: Exception, path: str) -> StorageError:
        """Return what the store, or a library, said of a path."""
        return in_remote_words(error, self.url(path))

    def delta_options(self) -> dict[str, str]:
        """Return what delta-rs wants to be told."""
        return {**self._connect().who.delta_options(), **DELTA_PATIENCE}

    @contextmanager
    def _in_words(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self.in_words(error, path) from error
