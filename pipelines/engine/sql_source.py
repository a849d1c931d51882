"""Read the rows of a night from a table of Postgres or SQLite: streamed, in one order, of the declared types, or not at all.

One statement reads a night, in a transaction that only reads, so it sees the table as it was at one moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from model_registry.addresses import hidden
from pipelines.engine.errors import RowsMissing, SchemaMismatch, SourceUnavailable, UnknownNight, UsageError, nearest
from pipelines.engine.nights import parse_night
from pipelines.engine.sql_table import SqlTable

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import URL, Connection, Engine, Select
    from sqlalchemy.sql.elements import ColumnElement
    from sqlalchemy.types import TypeEngine

BATCH_ROWS = 65_536
BACKENDS = ("sqlite", "postgresql")
LOOSE: Mapping[str, tuple[str, ...]] = {
    "bool": ("bool", "int64"),
    "timestamp": ("timestamp", "timestamp without a time zone", "string"),
}
"""SQLite has neither: its columns hold 0 and 1, and text such as 2013-11-19T18:00:00Z. The values are looked at."""
VALUES: Mapping[str, frozenset[type]] = {
    "string": frozenset({str}),
    "int64": frozenset({int}),
    "double": frozenset({float, int}),
    "bool": frozenset({bool, int}),
    "timestamp": frozenset({datetime, str}),
}


class SqlReader:
    """A table that can be read; use `opened`.

    Args:
        connection: To its database.
        source: The declaration.
    """

    def __init__(self, connection: Connection, source: SqlTable) -> None:
        self._connection = connection
        self._source = source
        self._who = f"table {source.table!r} of connection {source.connection!r}"

    def columns(self) -> dict[str, str]:
        """Return the columns with our words for their types, or the database's own where we have none.

        Raises:
            SchemaMismatch: There is no such table.
        """
        return {name: type_word(found) for name, found in self._inspected().items()}

    def nights(self) -> list[str]:
        """Return the nights that have rows, oldest first.

        Raises:
            SchemaMismatch: There is no such table or column, or it holds something else than nights.
        """
        import sqlalchemy as sa

        self._types()
        night: ColumnElement[Any] = sa.column(self._source.night)
        found = self._connection.execute(
            sa.select(night).select_from(self._table()).where(night.is_not(None)).distinct()
        )
        return sorted(self._night(value) for (value,) in found)

    def batches(
        self, night: str, columns: Mapping[str, str], ids: Sequence[str], sensitive: Collection[str] = ()
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a night, ordered by ids, with flat memory; nothing if there are none.

        Args:
            night: Which.
            columns: Name to type of the columns to read, as declared.
            ids: Those that order the rows; what they leave open, the other columns decide.
            sensitive: Columns whose values no error may quote.

        Raises:
            SchemaMismatch: The table has no such columns, or holds other values.
        """
        import pyarrow as pa

        schema = pa.schema([pa.field(name, arrow_type(kind)) for name, kind in columns.items()])
        statement = self._select(night, columns, ids)
        result = self._connection.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(statement)
        for rows in result.partitions():
            values = zip(*rows, strict=True)
            arrays = [
                self._array(list(column), field, columns[field.name], field.name in sensitive)
                for column, field in zip(values, schema, strict=True)
            ]
            yield pa.record_batch(arrays, schema=schema)

    def _select(self, night: str, columns: Mapping[str, str], ids: Sequence[str]) -> Select[Any]:
        import sqlalchemy as sa

        known = self._types()
        self._compare(columns, known)
        is_date = isinstance(known[self._source.night], sa.Date) and self._on_postgres
        wanted = date.fromisoformat(night) if is_date else night
        read = [self._read(name, kind, known[name]).label(name) for name, kind in columns.items()]
        order = [self._ordered(name, columns[name]) for name in dict.fromkeys([*ids, *columns])]
        chosen = sa.column(self._source.night) == sa.bindparam("night", wanted)
        return sa.select(*read).select_from(self._table()).where(chosen).order_by(*order)

    @property
    def _on_postgres(self) -> bool:
        return self._connection.dialect.name == "postgresql"

    def _read(self, name: str, kind: str, found: TypeEngine[Any]) -> ColumnElement[Any]:
        import sqlalchemy as sa

        # A driver gives decimals as Python objects, one by one; the database makes numbers of them faster.
        exact = kind == "double" and self._on_postgres and isinstance(found, sa.Numeric)
        return sa.cast(sa.column(name), sa.Double()) if exact else sa.column(name)

    def _ordered(self, name: str, kind: str) -> ColumnElement[Any]:
        import sqlalchemy as sa

        # By code point, as SQLite does: a language's order differs from server to server.
        return sa.column(name).collate("C") if kind == "string" and self._on_postgres else sa.column(name)

    def _table(self) -> Any:
        import sqlalchemy as sa

        schema, _, name = self._source.table.rpartition(".")
        return sa.table(name, schema=schema or None)

    def _types(self) -> dict[str, TypeEngine[Any]]:
        found = self._inspected()
        if self._source.night not in found:
            raise SchemaMismatch(
                f"{self._who} has no column {self._source.night!r}, which was to say the night.{nearest(self._source.night, found)}"
            )
        return found

    def _inspected(self) -> dict[str, TypeEngine[Any]]:
        import sqlalchemy as sa

        schema, _, name = self._source.table.rpartition(".")
        inspector = sa.inspect(self._connection)
        try:
            found = {column["name"]: column["type"] for column in inspector.get_columns(name, schema=schema or None)}
        except sa.exc.NoSuchTableError:
            found = {}
        if not found:
            there = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
            raise SchemaMismatch(f"{self._who} is not there.{nearest(name, there)} Create it, or change `source=`.")
        return found

    def _compare(self, columns: Mapping[str, str], known: Mapping[str, TypeEngine[Any]]) -> None:
        others = [name for name in known if name not in columns]
        differences = []
        for name, expected in columns.items():
            if name not in known:
                differences.append(f"column {name!r} ({expected}) is missing.{nearest(name, others)}")
                continue
            got = type_word(known[name])
            fitting = (expected,) if self._on_postgres else LOOSE.get(expected, (expected,))
            if got not in (*fitting, "anything"):
                differences.append(f"column {name!r}: expected {expected}, got {got}")
        if differences:
            listed = "\n".join(f"  - {line}" for line in differences[:8])
            raise SchemaMismatch(
                f"{self._who} has other columns than declared:\n{listed}\n"
                "Change the declaration, or read a view that has them as declared."
            )

    def _array(self, values: list[Any], field: pa.Field, kind: str, sensitive: bool) -> pa.Array:
        import pyarrow as pa

        strange = {type(value) for value in values} - VALUES[kind] - {type(None)}
        try:
            return pa.array(_plain(values, kind) if not strange else values, field.type)
        except (pa.ArrowException, KeyError, TypeError, ValueError, OverflowError) as error:
            wrong = next((value for value in values if type(value) in strange), None) if strange else str(error)[:120]
            got = "a value of another kind, which is sensitive" if sensitive else repr(str(wrong)[:80])
            raise SchemaMismatch(
                f"{self._who}, column {field.name!r}: expected {kind}, got {got}. Nothing was taken; mend the row."
            ) from None

    def _night(self, value: object) -> str:
        text = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else str(value)
        try:
            return parse_night(text)
        except UnknownNight:
            raise SchemaMismatch(
                f"{self._who}: column {self._source.night!r} holds {text[:40]!r}, which is no night; "
                "expected a date, or text such as 2013-11-19"
            ) from None


@contextmanager
def opened(address: str, source: SqlTable) -> Iterator[SqlReader]:
    """Open a table for reading.

    Args:
        address: SQLAlchemy URL of its database.
        source: The declaration.

    Raises:
        UsageError: The address is none, or of another kind of database.
        SourceUnavailable: The database does not answer, or breaks off.
    """
    from sqlalchemy.exc import DBAPIError

    engine = _engine(address, source.connection)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield SqlReader(connection, source)
    except (DBAPIError, sqlite3.Error) as error:
        said = hidden(str(getattr(error, "orig", error)).strip().splitlines()[0], address)
        raise SourceUnavailable(
            f"connection {source.connection!r} does not give table {source.table!r}: {said}. Nothing was taken; the retry "
            f"goes on. Check the database, and NIGHTSHIFT_SOURCE_{source.connection.upper()} or the Airflow connection."
        ) from None
    finally:
        engine.dispose()


def _engine(address: str, name: str) -> Engine:
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.pool import NullPool

    from pipelines.engine.ledger.database import POSTGRES_LINE

    try:
        url = make_url(address)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):  # what is wrong with it is not shown: a password may be
        raise UsageError(
            f"the address of connection {name!r} is no URL; expected postgresql://... or sqlite:///FILE"
        ) from None
    if backend not in BACKENDS:
        raise UsageError(
            f"connection {name!r} leads to {backend}; expected postgresql://USER@HOST/NAME or sqlite:///FILE"
        )
    if backend == "sqlite":
        return create_engine("sqlite://", poolclass=NullPool, creator=lambda: _open_file(url))
    return create_engine(url.set(drivername="postgresql+psycopg2"), poolclass=NullPool, connect_args=POSTGRES_LINE)


def _open_file(url: URL) -> sqlite3.Connection:
    """Open a file for reading only: SQLite would make an empty one where there is none."""
    file = Path(url.database or "")
    if not file.is_file():
        raise sqlite3.OperationalError(f"there is no file {file}")
    return sqlite3.connect(f"file:{quote(str(file.resolve()))}?mode=ro", uri=True)


def type_word(found: TypeEngine[Any]) -> str:
    """Return our word for a type of a database, or its own where we have none."""
    from sqlalchemy import types

    words = (
        (types.Boolean, "bool"),
        (types.Integer, "int64"),
        ((types.Numeric, types.Float), "double"),
        (types.String, "string"),
        (types.Date, "date"),
        (types.NullType, "anything"),
    )
    if isinstance(found, types.DateTime):
        return "timestamp" if getattr(found, "timezone", False) else "timestamp without a time zone"
    return next((word for kind, word in words if isinstance(found, kind)), str(found).lower())


def arrow_type(kind: str) -> pa.DataType:
    """Return the type that a declared column has in a snapshot."""
    import pyarrow as pa

    types = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_()}
    return types.get(kind) or pa.timestamp("us", tz="UTC")


def _plain(values: list[Any], kind: str) -> list[Any]:
    """Return values as Arrow takes them, from what drivers give.

    Raises:
        KeyError, ValueError: One is none of its kind.
    """
    if kind == "bool":
        truth = {None: None, 0: False, 1: True}
        return [truth[value] for value in values]
    if kind == "timestamp":
        return [value if value is None else _moment(value) for value in values]
    return values


def _moment(value: datetime | str) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return moment


def no_rows(source: SqlTable, night: str, nights: Sequence[str]) -> RowsMissing:
    """Return the error for a night that a table does not have."""
    there = f"It has {len(nights)} nights, {nights[0]} to {nights[-1]}." if nights else "It has no night at all."
    return RowsMissing(
        f"table {source.table!r} of connection {source.connection!r} has no row for night {night}. {there}"
    )
