"""The secrets that routes ask for: looked up when something is sent, and kept nowhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nightshift.alerts.hiding import hide
from nightshift.alerts.references import Reference
from nightshift.connections import keep_airflow_quiet
from nightshift.connections.backends import failed_backend
from pipelines.engine.errors import UsageError

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from pipelines.engine.settings import Settings


class SecretMissing(UsageError):
    """A route asks for a secret that is not there."""


class SecretUnavailable(SecretMissing):
    """What keeps the secret does not answer."""

    retryable = True


class Secrets:
    """Looks secrets up, each time anew, so that a rotated one is found without a restart.

    Args:
        settings: Say where an Airflow that nobody has configured would live.
        environment: Variables for `{env:NAME}` instead of the process's own.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._environment = os.environ if environment is None else environment

    def value(self, reference: Reference) -> str:
        """Return a secret.

        Raises:
            SecretMissing: It is not there, or is empty.
            SecretUnavailable: Its backend does not answer.
        """
        found = self._environment.get(reference.name) if reference.kind == "env" else self._of_airflow(reference)
        if not found:
            raise SecretMissing(
                f"{reference} is {'empty' if found is not None else 'not there'}. {_way_out(reference)}"
            )
        hide([found])
        return found

    def _of_airflow(self, reference: Reference) -> str | None:
        keep_airflow_quiet(self._settings)
        try:
            return _variable(reference) if reference.kind == "secret" else _connection(reference)
        except SecretMissing:
            raise
        except Exception as error:  # whatever a secrets backend raises; its text might hold what it was configured with
            raise _unavailable(reference, f"failed with {type(error).__name__}") from None


def _believe_that_there_is_none(reference: Reference) -> None:
    """Raise SecretUnavailable if a backend did not answer: Airflow says "not found" to that, too."""
    failed = failed_backend(lambda backend: _look(backend, reference))
    if failed:
        raise _unavailable(reference, failed)


def _unavailable(reference: Reference, how: str) -> SecretUnavailable:
    return SecretUnavailable(
        f"{reference} cannot be looked up: Airflow's secrets backend {how}. "
        "It is asked again when the message is sent again."
    )


def _look(backend: Any, reference: Reference) -> object:
    name = reference.name
    return backend.get_variable(key=name) if reference.kind == "secret" else backend.get_connection(conn_id=name)


def _variable(reference: Reference) -> str | None:
    from airflow.sdk import Variable

    found = Variable.get(reference.name, default=None)
    if found is None:
        _believe_that_there_is_none(reference)
    return None if found is None else str(found)


def _connection(reference: Reference) -> str | None:
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        connection = Connection.get(reference.name)
    except AirflowNotFoundException:
        _believe_that_there_is_none(reference)
        raise SecretMissing(f"{reference}: there is no connection {reference.name!r}. {_way_out(reference)}") from None
    return _part(connection, reference.part)


def _part(connection: Connection, part: str) -> str | None:
    if not part.startswith("extra."):
        found: Any = getattr(connection, part)
    else:
        found = connection.extra_dejson
        for key in part.removeprefix("extra.").split("."):
            found = found.get(key) if isinstance(found, dict) else None
    return None if found is None else str(found)


def _way_out(reference: Reference) -> str:
    if reference.kind == "env":
        return f"Set the environment variable {reference.name} for the process that sends, `nightshift watch`."
    where = f"AIRFLOW_{'CONN' if reference.kind == 'connection' else 'VAR'}_{reference.name.upper()}"
    what = "the connection" if reference.kind == "connection" else "the variable"
    return (
        f"Add {what} to Airflow's secrets backend, or set {where}; those that were typed into Airflow's UI "
        "are seen by its own server alone."
    )
