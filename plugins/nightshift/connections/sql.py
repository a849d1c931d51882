"""Where a database is that rows come from, as an Airflow connection says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings
    from pipelines.engine.sources import Ask

DRIVERS = {"postgres": "postgresql", "postgresql": "postgresql", "sqlite": "sqlite"}
TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
"""Extras of a Postgres connection that are a part of its address."""


def ask_airflow(settings: Settings) -> Ask:
    """Return what asks Airflow for the address of a connection, once somebody needs it."""

    def ask(name: str) -> str | None:
        return sql_address(name, settings)

    return ask


def sql_address(name: str, settings: Settings) -> str | None:
    """Return the SQLAlchemy URL of an Airflow connection of type `postgres` or `sqlite`, or None if there is none.

    Raises:
        UsageError: The connection leads elsewhere.
        SourceUnavailable: A secrets backend does not answer.
    """
    from nightshift.connections import keep_airflow_quiet
    from nightshift.connections.backends import believe_that_there_is_none
    from pipelines.engine.errors import SourceUnavailable, UsageError

    keep_airflow_quiet(settings)
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException
    from airflow.sdk.log import mask_secret
    from sqlalchemy import URL

    try:
        found = BaseHook.get_connection(name)
    except AirflowNotFoundException:
        believe_that_there_is_none(name, SourceUnavailable)
        return None
    driver = DRIVERS.get(str(found.conn_type))
    if driver is None:
        raise UsageError(
            f"the Airflow connection {name!r} is of type {found.conn_type!r}; rows are read from postgres or sqlite"
        )
    if found.password:
        mask_secret(found.password)
    if driver == "sqlite":
        return f"sqlite:///{found.host or found.schema}"
    extras = {key: str(value) for key, value in found.extra_dejson.items() if key in TLS}
    url = URL.create(driver, found.login, found.password, found.host, found.port, found.schema or None, extras)
    return url.render_as_string(hide_password=False)
