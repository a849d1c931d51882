"""Who we are at Google Cloud Storage, as an Airflow connection says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.engine.storage import Google

OTHER_WAYS = ("key_secret_name", "credential_config_file", "impersonation_chain", "idp_issuer_url")
"""What a Google connection may say beside keys; delta-rs can be told of none of them."""


def google_account(connection: str) -> Google:
    """Ask the Google provider for the account of a connection; without one, the machine's own account is used.

    Raises:
        UsageError: The connection names an account in a way that delta-rs cannot be told.
        StorageUnavailable: A secrets backend does not answer.
    """
    from airflow.providers.google.common.hooks.base_google import GoogleBaseHook, get_field
    from airflow.sdk.exceptions import AirflowNotFoundException

    from nightshift.connections.backends import believe_that_there_is_none
    from pipelines.engine.errors import UsageError
    from pipelines.engine.storage import Google

    try:
        extra = GoogleBaseHook.get_connection(connection).extra_dejson
    except AirflowNotFoundException:
        believe_that_there_is_none(connection)
        return Google()
    others = [name for name in OTHER_WAYS if get_field(extra, name)]
    if others:
        raise UsageError(
            f"the Airflow connection {connection!r} says who we are by {', '.join(others)}, which delta-rs does not know; "
            "expected keyfile_dict, key_path, is_anonymous, or nothing for the machine's own account. "
            "Say which connection to use for gs:// with NIGHTSHIFT_GOOGLE_CONNECTION."
        )
    anonymous = str(get_field(extra, "is_anonymous")).lower() in ("true", "1")
    account, endpoint = _account(extra, connection), get_field(extra, "endpoint_url")
    if endpoint and not account and not anonymous:
        raise UsageError(
            f"the Airflow connection {connection!r} names the server {endpoint} for gs:// and nobody to be there; "
            "add keyfile_dict or key_path, or is_anonymous."
        )
    return Google(None if anonymous else account, endpoint, anonymous)


def _account(extra: Mapping[str, Any], connection: str) -> dict[str, Any] | None:
    """Return the service account that a connection holds, or that its file holds.

    Raises:
        UsageError: It is none; the message does not show it.
    """
    from airflow.providers.google.common.hooks.base_google import get_field
    from airflow.sdk.log import mask_secret

    from pipelines.engine.errors import UsageError

    path = get_field(dict(extra), "key_path")
    kept: Any = get_field(dict(extra), "keyfile_dict")
    try:
        account = (
            json.loads(kept or (Path(path).read_text() if path else "null")) if not isinstance(kept, dict) else kept
        )
        if account is None:
            return None
        # Forms and environment variables leave line ends of the key as two characters.
        key = account["private_key"].replace("\\n", "\n")
        said = {**account, "private_key": key, "client_email": account["client_email"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{path}: {error.strerror}" if isinstance(error, OSError) else "it is no service account's key in JSON"
        raise UsageError(
            f"the service account of the Airflow connection {connection!r} cannot be read: {why}. "
            "Expected Google's JSON key file in keyfile_dict, or its place in key_path."
        ) from None
    mask_secret(key)
    return said
