"""Which Spark cluster scores, as the settings or an Airflow connection say."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from pipelines.engine.scoring_engines.base import ScoringEngine
    from pipelines.engine.settings import Settings

PORT = 15002


def open_scoring_engine(name: str, settings: Settings, connection: str | None = None) -> ScoringEngine:
    """Return an engine by name; see `pipelines.engine.scoring_engines.open_engine`.

    Args:
        name: One of `pipelines.engine.scoring_engines.ENGINES`.
        settings: Say which cluster.
        connection: Airflow connection that says so instead.

    Raises:
        UsageError: There is no such engine or connection, or nobody said where the cluster is.
    """
    from pipelines.engine.scoring_engines import open_engine

    named = connection or settings.spark_connection
    address = spark_address(named, settings) if named and name == "spark" else settings.spark
    return open_engine(name, spark=address, at_once=settings.spark_shards)


def spark_address(name: str, settings: Settings) -> str:
    """Return the address that a connection of type `spark` or `spark_connect` holds.

    Raises:
        UsageError: There is no such connection, or it names no cluster.
    """
    from nightshift.connections import keep_airflow_quiet
    from pipelines.engine.errors import UsageError

    keep_airflow_quiet(settings)
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException
    from airflow.sdk.log import mask_secret

    try:
        found = BaseHook.get_connection(name)
    except AirflowNotFoundException:
        raise UsageError(
            f"engine spark: there is no Airflow connection {name!r}. Add it with type spark or spark_connect, or name "
            "another one with NIGHTSHIFT_SPARK_CONNECTION."
        ) from None
    if not found.host:
        raise UsageError(
            f"engine spark: the Airflow connection {name!r} names no host; expected such as spark.internal"
        )
    if found.password:
        mask_secret(found.password)
    return _connect(found) if found.conn_type == "spark_connect" else _master(found)


def _connect(found: Connection) -> str:
    parameters = {
        "use_ssl": "true" if str(found.extra_dejson.get("use_ssl", "")).lower() == "true" else None,
        "token": found.password,
        "user_id": found.login,
    }
    said = "".join(f";{name}={quote(value, safe='')}" for name, value in parameters.items() if value)
    host = str(found.host).removeprefix("sc://")
    return f"sc://{host}:{found.port or PORT}{f'/{said}' if said else ''}"


def _master(found: Connection) -> str:
    """The Spark provider keeps a master in the host: `yarn`, `local[2]`, `spark://host` and a port beside it."""
    return f"{found.host}:{found.port}" if found.port else str(found.host)
