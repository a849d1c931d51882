"""Rows that come from a table of a database: the declaration. `sql_source.py` reads it, `snapshots.py` keeps what was read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?")
CONNECTION = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class SqlTable:
    """A table (or view) of Postgres or SQLite that holds the rows of all nights.

    Attributes:
        table: Its name, or `schema.table`.
        night: The column that says which night a row belongs to: a date, or text such as `2013-11-19`.
        connection: Names the database; where it is comes from `NIGHTSHIFT_SOURCE_<CONNECTION>`, or from the Airflow
            connection of that id, and never from the code.
    """

    table: str
    night: str
    connection: str


def source_mistakes(word: str, source: object) -> Iterator[str]:
    """Say everything that is wrong with a declared source.

    Args:
        word: Whose it is: rows or labels.
        source: What was declared; None where files are delivered.
    """
    if source is None:
        return
    if not isinstance(source, SqlTable):
        yield f"{word}.source is {source!r}; expected SqlTable(table=..., night=..., connection=...), or None for delivered files"
        return
    if not TABLE.fullmatch(source.table):
        yield f"{word}.source.table is {source.table!r}; expected a name such as 'weather' or 'lake.weather'"
    if not source.night:
        yield f"{word}.source.night is empty; expected the column that says which night a row belongs to"
    if not CONNECTION.fullmatch(source.connection):
        yield (
            f"{word}.source.connection is no lower-case word; expected one such as 'warehouse': "
            "the address and the password stay outside of the code, in NIGHTSHIFT_SOURCE_WAREHOUSE or an Airflow connection"
        )
