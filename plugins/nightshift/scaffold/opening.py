"""Opens the data of a new pipeline, wherever it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nightshift.scaffold.database import columns_of_table, copied, variable
from nightshift.scaffold.looking import columns_of
from nightshift.scaffold.values import Wishes
from pipelines.engine.dealing import open_source
from pipelines.engine.dealing.source import PARQUET
from pipelines.engine.errors import UsageError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Opened:
    """Data that can be asked.

    Attributes:
        connection: In which it is a table called `source`.
        unread: By column that is there and was not read: why.
    """

    connection: DuckDBPyConnection
    unread: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def opened(wishes: Wishes) -> Iterator[Opened]:
    """Open the data.

    Raises:
        UsageError: It is nothing that can be read.
        DataError: It cannot be read.
        SourceUnavailable: The database does not answer.
    """
    check_source(wishes.source, wishes.table)
    if wishes.table is None:
        with open_source(Path(wishes.source)) as connection:
            if not Path(wishes.source).is_dir() and not wishes.source.lower().endswith(PARQUET):
                connection.execute("CREATE TABLE loaded AS FROM source")  # it is asked often, and CSV is slow to read
                connection.execute("CREATE OR REPLACE VIEW source AS FROM loaded")
            yield Opened(connection)
        return
    with copied(wishes, wishes.table) as (path, unread), open_source(path) as connection:
        yield Opened(connection, unread)


def check_source(source: str, table: str | None) -> None:
    """Make sure that a database comes with a table, and a file without.

    Raises:
        UsageError: It does not.
    """
    if is_database(source) and not table:
        raise UsageError("say --table as well: which table of the database holds the rows?")
    if table and not is_database(source):
        raise UsageError(
            "--table is for databases, and --data is none. Give its address: sqlite:///FILE or postgresql://..."
        )


def is_database(source: str) -> bool:
    """Whether a source is the URL of a database, and not a path."""
    return "://" in source


def shown(wishes: Wishes) -> str:
    """Return where the data is, as it may be written into files: without an address that may hold a password."""
    if wishes.table:
        return f"table {wishes.table} of the database that {variable(wishes.name)} names"
    return str(Path(wishes.source).resolve())


def columns_at(source: str, table: str | None) -> dict[str, str | None]:
    """Return the columns of a source with our words for their types; None for a type that cannot be kept.

    Raises:
        UsageError: It is nothing that can be read.
        DataError: It cannot be read.
    """
    check_source(source, table)
    if table:
        return columns_of_table(source, table)
    with open_source(Path(source)) as connection:
        return columns_of(connection)
