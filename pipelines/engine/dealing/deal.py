"""Deals a source into nights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from data_checks.files.literals import quoted, text
from pipelines.engine.dealing.source import SQL_TYPES, in_one_sentence, night_of, open_source
from pipelines.engine.errors import DataError, RowsMissing, nearest
from pipelines.engine.files import in_words, sha256_of, unfinished
from pipelines.engine.pipeline import ColumnType, Prepared, Progress

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NIGHT = "__night"
Columns = Mapping[str, ColumnType]


def deal(
    folder: Path,
    *,
    source: Path,
    night: str,
    rows: Columns,
    labels: Columns,
    target: str,
    one_where: str | bool | float | None = None,
    progress: Progress,
) -> Prepared:
    """Write one file of rows and one of labels for each night that a source holds.

    The same source gives the same bytes, and files that are right already are left alone. Files appear whole or not at
    all. A row whose target is missing is a row without a label: its outcome is not known yet.

    Args:
        folder: Where to write, `<data>/<pipeline>`; made when it is missing.
        source: A Parquet file, a folder of them, or a CSV file.
        night: The column of the source that says to which night a row belongs: a date, or a time (its day in UTC).
        rows: Name and type of each column of the rows.
        labels: The same for the labels; the first columns of both name a row and give the order within a night.
        target: The column of the labels to learn.
        one_where: The value of the target that becomes 1, all others 0; None to take the target as it is.
        progress: Called with nights done, nights in all (0 while unknown) and what is going on.

    Raises:
        RowsMissing: There is no source, or it holds no row.
        RowsUnreadable: It cannot be read.
        DataError: It lacks a column, a value does not fit its type, or a row belongs to no night.
    """
    progress(0, 0, f"reading {source.name}")
    wanted = {**rows, **labels}
    texts = [name for name, kind in wanted.items() if kind == "string" and name != target]
    with open_source(source, texts=texts) as connection:
        _sort_into(connection, source, night, wanted, target, one_where)
        counted = connection.sql("SELECT __night, count(*) FROM dealt GROUP BY ALL ORDER BY ALL").fetchall()
        if not counted:
            raise RowsMissing(f"{source} holds no row.")
        written = 0
        for number, (day, _) in enumerate(counted, start=1):
            here = f"FROM dealt WHERE {NIGHT} = {text(day)}"
            written += _write(connection, folder / "rows" / f"{day}.parquet", rows, here)
            written += _write(
                connection, folder / "labels" / f"{day}.parquet", labels, f"{here} AND {quoted(target)} IS NOT NULL"
            )
            progress(number, len(counted), day)
    return Prepared(
        nights=len(counted),
        written=written,
        unchanged=2 * len(counted) - written,
        rows=sum(rows for _, rows in counted),
        first=counted[0][0],
        last=counted[-1][0],
    )


def _sort_into(
    connection: DuckDBPyConnection,
    source: Path,
    night: str,
    wanted: Columns,
    target: str,
    one_where: str | bool | float | None,
) -> None:
    """Read the source once into a table, in the order in which the nights need it, with the declared types."""
    import duckdb

    there = connection.sql("FROM source").columns
    for name in (night, *wanted):
        if name not in there:
            raise DataError(f"{source} has no column {name!r}.{nearest(name, there)} Its columns: {', '.join(there)}.")
    casts = [
        f"CAST({_value(name, target, one_where)} AS {SQL_TYPES[kind]}) AS {quoted(name)}"
        for name, kind in wanted.items()
    ]
    order = ", ".join(quoted(name) for name in wanted)
    try:
        connection.execute(
            f"CREATE TABLE dealt AS SELECT {night_of(night)} AS {NIGHT}, {', '.join(casts)} FROM source ORDER BY {NIGHT}, {order}"  # noqa: S608 - names are quoted
        )
    except duckdb.Error as error:
        raise DataError(f"{source} does not fit what is declared: {in_one_sentence(error)}") from None
    [(nameless,)] = connection.sql("SELECT count(*) FROM dealt WHERE __night IS NULL").fetchall()
    if nameless:
        raise DataError(f"{nameless:,} rows of {source} belong to no night: {night!r} is missing there, or no date.")


def _value(name: str, target: str, one_where: str | bool | float | None) -> str:
    if name != target or one_where is None:
        return quoted(name)
    value = text(str(one_where)) if isinstance(one_where, str) else str(one_where)
    return f"({quoted(name)} = {value})::INTEGER"


def _write(connection: DuckDBPyConnection, path: Path, columns: Columns, here: str) -> int:
    """Write a file if it is not there with the same bytes; return how many were written, 0 or 1."""
    import duckdb

    names = ", ".join(quoted(name) for name in columns)
    temporary = unfinished(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(f"COPY (SELECT {names} {here}) TO {text(str(temporary))} (FORMAT parquet, COMPRESSION zstd)")
        if path.exists() and sha256_of(path) == sha256_of(temporary):
            return 0
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except (OSError, duckdb.Error) as error:
        raise in_words(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)
    return 1
