"""pyarrow's clients of S3 and Google Cloud Storage, with our patience, and what their errors mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.engine.errors import StorageError, StorageUnavailable
from pipelines.engine.files import in_one_line
from pipelines.engine.storage.credentials import Google, Simple

if TYPE_CHECKING:
    from pyarrow import fs

CONNECT_SECONDS = 5.0
SILENT_SECONDS = 5.0
"""Without a byte, before a try is given up; pyarrow waits about twice as long for the answer to an upload."""
TRIES = 5
GOOGLE_SECONDS = 30.0
"""How long pyarrow tries a request again by itself; its default is a quarter of an hour."""
DELTA_PATIENCE = {"max_retries": "10", "retry_timeout": "30s", "timeout": "15s", "connect_timeout": "5s"}
"""delta-rs by itself tries for three minutes, which is longer than a lease."""
REFUSED = (
    *("ACCESSDENIED", "NOSUCHBUCKET", "INVALIDACCESSKEYID", "SIGNATUREDOESNOTMATCH", "INVALIDTOKEN"),
    *("PERMISSIONDENIED", "UNAUTHENTICATED", "NECESSARYPRIVILEGES", "INVALIDBUCKETNAME"),
    *("HTTPSTATUS301", "PERMANENTREDIRECT", "REDIRECTWITHOUTLOCATION", "AUTHORIZATIONHEADERMALFORMED"),
)
"""What the stores say when asking again cannot help, the last line of buckets in another region.

pyarrow and delta-rs spell the same codes differently, so signs between the letters do not count."""
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
LONGEST_SAYING = 800


def open_client(who: Simple | Google) -> fs.FileSystem:
    """Return a client; nothing is sent yet, but for a service account's access token.

    Raises:
        StorageError, StorageUnavailable: Google gives no token for the account.
    """
    from pyarrow import fs

    if isinstance(who, Google):
        return fs.GcsFileSystem(**_google(who))
    return fs.S3FileSystem(
        access_key=who.access_key,
        secret_key=who.secret_key,
        session_token=who.token,
        region=who.region,
        endpoint_override=who.endpoint,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=SILENT_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=TRIES),
        allow_delayed_open=True,  # what fits into one request is sent in one, and no upload is left unfinished
    )


def _google(who: Google) -> dict[str, Any]:
    options: dict[str, Any] = {"retry_time_limit": timedelta(seconds=GOOGLE_SECONDS)}
    if who.endpoint:
        scheme, _, address = who.endpoint.rpartition("://")
        options |= {"endpoint_override": address, "scheme": scheme or "https"}
    if who.anonymous:
        return {**options, "anonymous": True}
    if who.service_account:
        token, end = _access_token(who)
        return {**options, "access_token": token, "credential_token_expiration": end}
    return options


def _access_token(who: Google) -> tuple[str, datetime]:
    """Pyarrow reads no account's key, so a token is fetched with it; it lasts an hour."""
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import Credentials

    told = dict(who.service_account or {})
    try:
        account = Credentials.from_service_account_info(told, scopes=[SCOPE])  # type: ignore[no-untyped-call]
        account.refresh(Request())
    except ValueError as error:
        raise StorageError(
            f"the key of the service account for gs:// cannot be used: {in_one_line(error)}. Expected what Google gives "
            "as a JSON key file; mend the connection and clear the task."
        ) from None  # its text may hold parts of the key
    except GoogleAuthError as error:
        said = f"Google gives no access token to {told.get('client_email')}: {in_one_line(error)[:LONGEST_SAYING]}"
        if error.retryable or isinstance(error, TransportError):
            raise StorageUnavailable(f"{said}. Nothing was published; the retry goes on.") from error
        raise StorageError(f"{said}. Check the account's key, and clear the task.") from error
    return account.token, account.expiry.replace(tzinfo=UTC)


def in_remote_words(error: Exception, url: str) -> StorageError:
    """Return what an object store answered, and whether asking again can help.

    Args:
        error: From pyarrow or delta-rs, which raise an OSError for everything.
        url: What was asked for.
    """
    said = in_one_line(error)[:LONGEST_SAYING]
    code = re.sub(r"[^A-Z0-9]", "", str(error).upper())
    if isinstance(error, PermissionError) or any(word in code for word in REFUSED):
        return StorageError(
            f"{url} is refused: {said}.\n"
            "Nothing was published. Check the bucket's name, the connection's keys, rights and region, and clear the task."
        )
    if isinstance(error, FileNotFoundError):
        return StorageError(
            f"{url} is not there: {said}.\n"
            "Check the bucket's name, or deliver the file again, and run it again (in Airflow: clear the task)."
        )
    if "EXPIREDTOKEN" in code:
        return StorageUnavailable(
            f"{url} is refused, for the session of our credentials has ended: {said}. Nothing was published; the retry "
            "begins a new session. If the connection holds a session token of its own, put a new one there."
        )
    return StorageUnavailable(f"{url} does not answer: {said}. Nothing was published; the retry goes on.")
