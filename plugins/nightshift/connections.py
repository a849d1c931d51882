"""Who we are at an object store, as Airflow's connections say; and the runtime that is opened with that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.engine.pipeline import Progress
    from pipelines.engine.runtime import Runtime
    from pipelines.engine.settings import Settings
    from pipelines.engine.storage import Credentials, Google, Simple, Storage


def open_doors(settings: Settings | None = None, *, wait: bool = False, progress: Progress | None = None) -> Runtime:
    """Open the runtime; see `open_runtime`. Object stores are reached through Airflow's connections.

    Raises:
        Whatever `open_runtime` raises.
    """
    from pipelines.engine.runtime import no_progress, open_runtime
    from pipelines.engine.settings import read_settings

    settings = settings or read_settings()
    return open_runtime(settings, wait=wait, progress=progress or no_progress, credentials=credentials_of(settings))


def open_storage(settings: Settings) -> Storage:
    """Reach files, here or in an object store, without a ledger or a model registry."""
    from pipelines.engine.storage import Storage

    return Storage(settings.cache, credentials_of(settings))


def credentials_of(settings: Settings) -> Credentials:
    """Return what asks the connections that the settings name, once somebody needs them."""

    def ask(scheme: str) -> Simple | Google:
        return _amazon(settings.aws_connection) if scheme == "s3" else _google(settings.google_connection)

    return ask


def _amazon(connection: str) -> Simple:
    """Ask the Amazon provider: keys, profiles, assumed roles and what the machine itself has, as in any other task.

    Raises:
        UsageError: It finds no credentials at all.
    """
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    from pipelines.engine.errors import UsageError
    from pipelines.engine.storage import Simple

    hook = AwsBaseHook(aws_conn_id=connection, client_type="s3")
    found = hook.get_session().get_credentials()
    if found is None:
        raise UsageError(
            f"there are no credentials for s3://: neither the Airflow connection {connection!r} nor this machine has any. "
            f"Add the connection, or say which one with NIGHTSHIFT_AWS_CONNECTION."
        )
    keys = hook.get_credentials()  # also hides them in task logs
    endpoint = hook.conn_config.get_service_endpoint_url("s3")
    region = hook.region_name or hook.get_session().region_name
    return Simple(keys.access_key, keys.secret_key, keys.token, region, endpoint)


def _google(connection: str) -> Google:
    """Ask the Google provider for the account of a connection; without one, the machine's own account is used."""
    from airflow.providers.common.compat.sdk import AirflowNotFoundException
    from airflow.providers.google.common.hooks.base_google import GoogleBaseHook

    from pipelines.engine.storage import Google

    try:
        extra = GoogleBaseHook.get_connection(connection).extra_dejson
    except AirflowNotFoundException:
        return Google()
    return Google(_account(extra), extra.get("endpoint_url"), bool(extra.get("is_anonymous")))


def _account(extra: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the service account that a connection holds, or that its file holds."""
    kept = extra.get("keyfile_dict") or (Path(extra["key_path"]).read_text() if extra.get("key_path") else None)
    account: dict[str, Any] | None = json.loads(kept) if isinstance(kept, str) else kept
    return account
