"""Where the databases are that rows come from: said by the environment, by the laptop itself, or by Airflow, in this order."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.engine.errors import UsageError
from pipelines.engine.settings import Settings

Ask = Callable[[str], str | None]
"""Asked for the address of a connection by whoever knows connections, such as Airflow; None if there is no such one."""


def ask_nobody(connection: str) -> str | None:
    """Know no connection."""


def address_of(settings: Settings, connection: str, ask: Ask = ask_nobody) -> str:
    """Return the SQLAlchemy URL of a connection.

    Args:
        settings: What the environment says.
        connection: Its name, as declared.
        ask: Who is asked where the environment says nothing, and the laptop has no such database.

    Raises:
        UsageError: Nobody knows it.
    """
    said = settings.sources.get(connection)
    if said:
        return said
    file = settings.databases / f"{connection}.db"
    found = f"sqlite:///{file}" if file.is_file() else ask(connection)
    if found:
        return found
    raise UsageError(
        f"nobody said where connection {connection!r} leads. Set NIGHTSHIFT_SOURCE_{connection.upper()} to the database's "
        f"address, such as postgresql://USER@HOST/NAME or sqlite:///FILE, or add an Airflow connection {connection!r}."
    )
