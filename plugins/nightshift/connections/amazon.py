"""Who we are at S3, as an Airflow connection says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError

    from pipelines.engine.errors import NightshiftError
    from pipelines.engine.storage import Simple


def newest_hook(connection: str, before: AwsBaseHook | None) -> AwsBaseHook:
    """Return a hook that has looked its connection up just now, so that a rotated key is found; without one, the machine.

    Args:
        connection: Its name.
        before: What this returned the last time. It stays in use where Airflow does not find a connection any more, or does
            not answer: work that has begun shall not go on as somebody else.

    Raises:
        StorageUnavailable: A secrets backend does not answer, so nobody knows whether there is a connection.
    """
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    from nightshift.connections.backends import believe_that_there_is_none

    hook: AwsBaseHook = AwsBaseHook(aws_conn_id=connection, client_type="s3")
    if _has_found(hook):
        return hook
    if before is not None:
        return before
    believe_that_there_is_none(connection)
    return hook


def _has_found(hook: AwsBaseHook) -> bool:
    try:
        return bool(hook.conn_config)
    except Exception:  # it is there; what is wrong with it is told by whoever uses the hook
        return True


def amazon_account(hook: AwsBaseHook, connection: str) -> Simple:
    """Ask the Amazon provider: keys, profiles, assumed roles and what the machine itself has, as in any other task.

    Raises:
        UsageError: There are no credentials at all, or what the connection says cannot be.
        StorageError, StorageUnavailable: Amazon does not let us be the connection's role.
    """
    from airflow.sdk.exceptions import AirflowException
    from airflow.sdk.log import mask_secret
    from botocore.exceptions import BotoCoreError, ClientError

    from pipelines.engine.errors import UsageError
    from pipelines.engine.storage import Simple

    try:
        session = hook.get_session()
        found = session.get_credentials()
        keys = found.get_frozen_credentials() if found else None
        region = hook.region_name or session.region_name
        endpoint = hook.conn_config.get_service_endpoint_url("s3") or _configured_endpoint(session)
    except (BotoCoreError, ClientError) as error:
        raise _not_that_role(error, connection) from error
    except (AirflowException, NotImplementedError, TypeError, ValueError) as error:
        raise UsageError(f"the Airflow connection {connection!r} cannot be used for s3://: {error}") from error
    if keys is None:
        raise UsageError(
            f"there are no credentials for s3://: neither the Airflow connection {connection!r} nor this machine has any. "
            f"Add the connection, or say which one with NIGHTSHIFT_AWS_CONNECTION."
        )
    mask_secret(keys.secret_key)
    if keys.token:
        mask_secret(keys.token)
    elif os.environ.get("AWS_SESSION_TOKEN"):
        raise UsageError(
            f"AWS_SESSION_TOKEN is set for this process, and the keys of the Airflow connection {connection!r} belong to no "
            "session; delta-rs would send both together, and be refused. Unset the variable, or put the token into the connection."
        )
    return Simple(keys.access_key, keys.secret_key, keys.token, region or ("us-east-1" if endpoint else None), endpoint)


def _configured_endpoint(session: Session) -> str | None:
    """Return the server that the environment or a profile names instead of Amazon's; pyarrow would not look there."""
    from botocore.config import Config

    region = session.region_name or "us-east-1"
    named, default = (
        session.client(
            "s3", region_name=region, config=Config(ignore_configured_endpoint_urls=ignore)
        ).meta.endpoint_url
        for ignore in (False, True)
    )
    return None if named == default else str(named)


def _not_that_role(error: BotoCoreError | ClientError, connection: str) -> NightshiftError:
    """Return why there are no keys, and whether asking again can help."""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NotConnected

    from pipelines.engine.errors import StorageError, StorageUnavailable, UsageError

    said = f"the Airflow connection {connection!r} gives no credentials for s3://: {error}"
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        if status < 500 and "Throttl" not in str(error):
            return StorageError(f"{said}. Check its role and what may assume it, and clear the task.")
        return StorageUnavailable(f"{said}. Nothing was published; the retry goes on.")
    if isinstance(error, (NotConnected, HTTPClientError)):
        return StorageUnavailable(f"{said}. Nothing was published; the retry goes on.")
    return UsageError(said)
