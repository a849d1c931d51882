"""Opens the data of a new pipeline, wherever it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nightshift.scaffold.looking import columns_of
from nightshift.scaffold.values import Wishes
from pipelines.engine.dealing import open_source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def opened(wishes: Wishes) -> Iterator[DuckDBPyConnection]:
    """Open the data as a table called `source`.

    Raises:
        UsageError: It is nothing that can be read.
        DataError: It cannot be read.
    """
    with open_source(Path(wishes.source)) as connection:
        yield connection


def shown(wishes: Wishes) -> str:
    """Return where the data is, as it may be written into files."""
    return str(Path(wishes.source).resolve())


def columns_at(source: str, table: str | None) -> dict[str, str | None]:
    """Return the columns of a source with our words for their types; None for a type that cannot be kept.

    Raises:
        UsageError: It is nothing that can be read.
        DataError: It cannot be read.
    """
    with open_source(Path(source)) as connection:
        return columns_of(connection)
