"""A table of a database, copied night by night into a file that can be looked at: the database is read once."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from model_registry.addresses import hidden
from nightshift.scaffold.values import Wishes
from pipelines.engine.errors import RowsMissing, UsageError, nearest
from pipelines.engine.settings import SOURCE
from pipelines.engine.sql_table import CONNECTION, TABLE, SqlTable

READ = ("string", "int64", "double", "bool")
NIGHTS = ("string", "date")


def variable(pipeline: str) -> str:
    """Return the variable that says where a pipeline's database is."""
    return f"{SOURCE}{pipeline.upper()}"


def export(wishes: Wishes) -> str:
    """Return the command that says where the database is; a password is left for a person to fill in."""
    address = wishes.source
    if address.startswith("sqlite:///"):
        address = f"sqlite:///{Path(address.removeprefix('sqlite:///')).resolve()}"
    return f"export {variable(wishes.name)}={shlex.quote(hidden(address))}"


def columns_of_table(address: str, table: str) -> dict[str, str | None]:
    """Return the columns of a table with our words for their types; None for one that cannot be kept.

    Raises:
        UsageError: The address or the name of the table is none.
        SchemaMismatch: There is no such table.
        SourceUnavailable: The database does not answer.
    """
    from pipelines.engine.sql_source import opened

    with opened(address, _declared(table, "", "data")) as reader:
        known = reader.columns()
    return {name: kind if kind in READ else "timestamp" if _is_time(kind) else None for name, kind in known.items()}


@contextmanager
def copied(wishes: Wishes, table: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give a Parquet file of all nights, and why some columns are not in it. It is gone afterwards.

    Args:
        wishes: Which database, and which column says the night.
        table: The table.

    Raises:
        UsageError: A column cannot be used.
        RowsMissing: The table is empty.
        SchemaMismatch: It does not hold what it says.
        SourceUnavailable: The database does not answer.
    """
    import pyarrow as pa
    from pyarrow import parquet

    from pipelines.engine.sql_source import arrow_type, opened

    with (
        tempfile.TemporaryDirectory(prefix="nightshift-new-") as folder,
        opened(wishes.source, _declared(table, wishes.partition, wishes.name)) as reader,
    ):
        known = reader.columns()
        _check(wishes, known)
        columns = {name: kind for name, kind in known.items() if kind in READ and name != wishes.partition}
        fields = [pa.field(name, arrow_type(kind)) for name, kind in columns.items()]
        schema = pa.schema([*fields, pa.field(wishes.partition, pa.string())])
        path = Path(folder, "table.parquet")
        nights = reader.nights()
        if not nights:
            raise RowsMissing(f"table {table!r} holds no row with a night in {wishes.partition!r}.")
        with parquet.ParquetWriter(path, schema) as writer:
            for night in nights:
                for batch in reader.batches(night, columns, wishes.ids):
                    named = pa.array([night] * batch.num_rows, pa.string())
                    writer.write_batch(pa.record_batch([*batch.columns, named], schema=schema))
        yield path, _unread(wishes, known, columns)


def _declared(table: str, night: str, connection: str) -> SqlTable:
    if not TABLE.fullmatch(table):
        raise UsageError(f"--table {table!r}: expected a name, or schema.name.")
    name = connection if CONNECTION.fullmatch(connection) else "data"
    return SqlTable(table=table, night=night, connection=name)


def _check(wishes: Wishes, known: Mapping[str, str]) -> None:
    if wishes.partition not in known:
        raise UsageError(
            f"--partition {wishes.partition!r}: no such column.{nearest(wishes.partition, known)} There are: {', '.join(known)}."
        )
    if known[wishes.partition] not in NIGHTS:
        raise UsageError(
            f"--partition {wishes.partition!r} is a {known[wishes.partition]}; in a table it must be a date, or text such as "
            f"2026-02-28. Read a view that has one, such as date({wishes.partition}) AS night."
        )
    if wishes.partition in wishes.ids:
        raise UsageError(
            f"--id {wishes.partition!r} is the night itself. Ids name a row within a night, so leave it out."
        )
    for option, name in [*(("--id", name) for name in wishes.ids), ("--label", wishes.label)]:
        if name in known and known[name] not in READ:
            raise UsageError(f"{option} {name!r} is a {known[name]}; expected one of {', '.join(READ)}.")


def _is_time(kind: str) -> bool:
    return kind.startswith(("date", "timestamp"))


def _unread(wishes: Wishes, known: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    def why(kind: str) -> str:
        if _is_time(kind):
            return "is a time: make a number of it, such as an age in days, if it matters"
        return f"is a {kind}, which a pipeline cannot keep"

    return {name: why(kind) for name, kind in known.items() if name not in (*columns, wishes.partition)}
