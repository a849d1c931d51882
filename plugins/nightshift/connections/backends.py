"""Whether something is not there, or its secrets backend did not answer. Airflow says "not found" to both.

A worker that takes an outage for "there is no such connection" goes on as whoever its machine is, or ends the night with advice
that does not help. So whoever found nothing asks here before believing it; where everything is found, nobody does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipelines.engine.errors import SourceUnavailable, StorageUnavailable

if TYPE_CHECKING:
    from pipelines.engine.errors import StorageError


def failed_backend(look: Callable[[Any], object]) -> str | None:
    """Return which of the configured backends fails when it is looked into, and how, or None; never with its words.

    Args:
        look: Looks for something in a backend.
    """
    from airflow.sdk.execution_time.supervisor import ensure_secrets_backend_loaded

    for backend in ensure_secrets_backend_loaded():
        try:
            if look(backend) is not None:
                return None
        except Exception as error:  # whatever a backend raises; its text may hold what it was configured with
            return f"{type(backend).__name__} failed with {type(error).__name__}"
    return None


def believe_that_there_is_none(
    connection: str, kind: type[StorageUnavailable] | type[SourceUnavailable] = StorageUnavailable
) -> None:
    """Return if no backend has the connection.

    Raises:
        StorageUnavailable, SourceUnavailable: One did not answer, so nobody knows.
    """
    failed = failed_backend(lambda backend: backend.get_connection(conn_id=connection))
    if failed:
        error: StorageError = kind(
            f"the Airflow connection {connection!r} cannot be looked up: the secrets backend {failed}. "
            "Nothing was published; the retry goes on."
        )
        raise error
