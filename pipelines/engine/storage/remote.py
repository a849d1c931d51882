"""S3 and Google Cloud Storage, through pyarrow.

Bytes travel whole: down into a cache that is named by their digest, and up from a file that is already whole here. An
upload that is sent again writes the same bytes under the same name, so a lost reply does no harm.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipelines.engine.errors import StorageError, StorageUnavailable
from pipelines.engine.files import in_one_line, in_words, sha256_of, whole_or_absent
from pipelines.engine.storage.credentials import Google, Simple
from pipelines.engine.storage.store import Found

if TYPE_CHECKING:
    from pyarrow import fs

CHUNK = 1 << 20
CONNECT_SECONDS = 5.0
SILENT_SECONDS = 5.0
"""Without a byte, before a try is given up; pyarrow waits about twice as long for the answer to an upload."""
TRIES = 5
DELTA_PATIENCE = {"max_retries": "10", "retry_timeout": "30s", "timeout": "15s", "connect_timeout": "5s"}
"""delta-rs by itself tries for three minutes, which is longer than a lease."""
REFUSED = ("ACCESS_DENIED", "NO_SUCH_BUCKET", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "PERMISSION_DENIED")
"""What the stores say when asking again cannot help, as pyarrow words it."""


class RemoteStore:
    """An object store; paths are `bucket/key`.

    Args:
        scheme: `s3` or `gs`.
        who: The credentials.
        cache: Folder of this machine for copies and for files that wait for their upload.
    """

    def __init__(self, scheme: str, who: Simple | Google, cache: Path) -> None:
        self._scheme = scheme
        self._who = who
        self._copies = cache / "copies"
        self._outgoing = cache / "outgoing"
        self._opened: tuple[int, fs.FileSystem] | None = None

    @property
    def _files(self) -> fs.FileSystem:
        """The connection of this process; one that was opened before a fork is not used after it."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), _open(self._who))
        return self._opened[1]

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
        """Return the names of what lies directly in a folder, sorted."""
        from pyarrow import fs

        with self._in_words(path):
            infos = self._files.get_file_info(fs.FileSelector(path, allow_not_found=True))
        return sorted(info.base_name for info in infos)

    def walk(self, path: str) -> list[tuple[str, Found]]:
        """Return every object below a folder."""
        from pyarrow import fs

        with self._in_words(path):
            infos = self._files.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
        files = (info for info in infos if info.type == fs.FileType.File)
        return sorted((info.path.removeprefix(f"{path}/"), Found(info.size, info.mtime_ns)) for info in files)

    def copy(self, path: str) -> Path:
        """Download an object into the cache, under its digest."""
        incoming = self._copies / f"{hashlib.sha256(path.encode()).hexdigest()[:16]}-{os.getpid()}"
        with (
            self._in_words(path),
            whole_or_absent(incoming) as temporary,
            self._files.open_input_stream(path) as source,
            temporary.open("wb") as target,
        ):
            digest = _pour(source, target)
            target.flush()
        kept = self._kept(digest, path)
        incoming.replace(kept)
        return kept

    def copy_with(self, path: str, sha256: str) -> Path | None:
        """Return a copy of that digest: from the cache if it is still the same there, else of what is there now."""
        kept = self._kept(sha256, path)
        with suppress(FileNotFoundError):
            if sha256_of(kept) == sha256:
                os.utime(kept)  # when it was last used, for whoever tidies up
                return kept
        if self.find(path) is None:
            return None
        present = self.copy(path)
        return present if present == kept else None

    def _kept(self, digest: str, path: str) -> Path:
        return self._copies / f"{digest}{Path(path).suffix}"

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """Give a path of this machine; when the block ends well, it is uploaded, and its size is read back."""
        temporary = self._waiting(path, f".{os.getpid()}.part")
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise in_words(error, str(temporary)) from error
        try:
            with self._local_words(temporary):
                yield temporary
            self._upload(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    @contextmanager
    def _local_words(self, temporary: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise in_words(error, str(temporary)) from error

    def _upload(self, file: Path, path: str) -> None:
        size = file.stat().st_size
        with self._in_words(path), file.open("rb") as source, self._files.open_output_stream(path) as target:
            _pour(source, target)
        found = self.find(path)
        if found is None or found.size != size:
            raise StorageUnavailable(
                f"{self.url(path)} should have {size:,} bytes after its upload and has {found.size if found else 'none'}; "
                "nothing was published. The retry uploads it again."
            )

    def remove_unfinished(self, path: str) -> None:
        """Remove what killed writers left waiting on this machine."""
        begin = self._waiting(path, "")
        for leftover in begin.parent.glob(f"{begin.name}*.part"):
            leftover.unlink(missing_ok=True)

    def _waiting(self, path: str, ending: str) -> Path:
        return self._outgoing / f".{self._scheme}--{path.replace('/', '--')}{ending}"

    def delete(self, path: str) -> None:
        """Remove an object; no error if there is none."""
        if self.find(path) is not None:
            with self._in_words(path):
                self._files.delete_file(path)

    def in_words(self, error: Exception, path: str) -> StorageError:
        """Return what the store, or a library, said of a path."""
        return remote_error(error, self.url(path))

    def delta_options(self) -> dict[str, str]:
        """Return what delta-rs wants to be told."""
        return {**self._who.delta_options(), **DELTA_PATIENCE}

    @contextmanager
    def _in_words(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise remote_error(error, self.url(path)) from error


def remote_error(error: Exception, url: str) -> StorageError:
    """Return what an object store answered, and whether asking again can help."""
    said = in_one_line(error)
    if isinstance(error, FileNotFoundError):
        return StorageError(f"{url} is gone: {said}. Deliver it again, and run it again (in Airflow: clear the task).")
    if isinstance(error, PermissionError) or any(word in said for word in REFUSED):
        return StorageError(
            f"{url} is refused: {said}.\nNothing was published. Check the bucket's name and the connection's rights, and clear the task."
        )
    if getattr(error, "errno", None) is not None and "AWS" not in said:
        return in_words(error, url) if isinstance(error, OSError) else StorageError(said)
    return StorageUnavailable(f"{url} does not answer: {said}. Nothing was published; the retry goes on.")


def _open(who: Simple | Google) -> fs.FileSystem:
    from pyarrow import fs

    if isinstance(who, Simple):
        return fs.S3FileSystem(
            access_key=who.access_key,
            secret_key=who.secret_key,
            session_token=who.token,
            region=who.region,
            endpoint_override=who.endpoint,
            connect_timeout=CONNECT_SECONDS,
            request_timeout=SILENT_SECONDS,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=TRIES),
        )
    return fs.GcsFileSystem(**_google(who))


def _google(who: Google) -> dict[str, object]:
    options: dict[str, object] = {}
    if who.endpoint:
        scheme, _, address = who.endpoint.partition("://")
        options |= {"endpoint_override": address, "scheme": scheme}
    if who.anonymous:
        return {**options, "anonymous": True}
    if who.service_account:
        token, end = _access_token(who)
        return {**options, "access_token": token, "credential_token_expiration": end}
    return options


def _access_token(who: Google) -> tuple[str, object]:
    """Pyarrow reads no account's key, so a token is fetched with it; it lasts an hour."""
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import Credentials

    scope = "https://www.googleapis.com/auth/devstorage.read_write"
    account = Credentials.from_service_account_info(dict(who.service_account or {}), scopes=[scope])  # type: ignore[no-untyped-call]
    account.refresh(Request())
    return account.token, account.expiry


def _pour(source: BinaryIO, target: BinaryIO) -> str:
    """Copy a stream, and return the SHA-256 of its bytes in hex."""
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()
