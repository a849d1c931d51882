"""A Parquet file or folder, or a CSV file, as a table that can be asked in SQL, however large it is."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from data_checks.files.literals import quoted, text
from pipelines.engine.errors import RowsMissing, RowsUnreadable, UsageError
from pipelines.engine.files import in_one_line

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
TABLE = "source"
"""What the data is called in SQL."""
MEMORY_LIMIT = "1GB"
"""Beyond it, it is sorted and grouped on disk."""
SQL_TYPES: Mapping[str, str] = MappingProxyType(
    {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN", "timestamp": "TIMESTAMPTZ"}
)
"""Our column types as DuckDB writes them."""


@contextmanager
def open_source(path: Path, *, texts: Collection[str] = ()) -> Iterator[DuckDBPyConnection]:
    """Open data for questions about a table called `source`; times without a zone are taken as UTC.

    Args:
        path: A Parquet file, a folder of them, or a CSV file with a header.
        texts: Columns of a CSV file that are text, whatever they look like: `00501` is a postcode and no number.

    Raises:
        RowsMissing: There is nothing.
        RowsUnreadable: It cannot be read.
        UsageError: It is neither Parquet nor CSV.
    """
    import duckdb

    reader = _reader(path)
    with tempfile.TemporaryDirectory(prefix="nightshift-source-") as spill:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": spill,
        }
        with duckdb.connect(str(Path(spill, "source.db")), config=settings) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            try:
                connection.execute(f"CREATE VIEW {TABLE} AS FROM {reader}")
                if texts and reader.startswith("read_csv"):
                    there = connection.sql(f"FROM {TABLE}").columns
                    told = ", ".join(f"{text(name)}: 'VARCHAR'" for name in texts if name in there)
                    connection.execute(f"CREATE OR REPLACE VIEW {TABLE} AS FROM {reader[:-1]}, types = {{{told}}})")
            except duckdb.Error as error:
                raise RowsUnreadable(f"{path} cannot be read: {in_one_sentence(error)}") from None
            yield connection


def in_one_sentence(error: Exception) -> str:
    """Return the first sentence of what DuckDB says, without its kind of error and its advice about options."""
    return in_one_line(error).split(": ", 1)[-1].split("LINE 1")[0].strip(" :")[:300]


def _reader(path: Path) -> str:
    if path.is_dir():
        if not any(file.suffix in PARQUET for file in path.rglob("*")):
            raise RowsMissing(f"{path} holds no Parquet file. Give a Parquet file, a folder of them, or a CSV file.")
        return f"read_parquet({text(str(path / '**/*.parquet'))}, union_by_name = true)"
    if not path.exists():
        raise RowsMissing(f"there is no {path}. Give a Parquet file, a folder of them, or a CSV file.")
    name = path.name.lower()
    if name.endswith(PARQUET):
        return f"read_parquet({text(str(path))})"
    if name.endswith(CSV):
        return f"read_csv({text(str(path))}, header = true, sample_size = -1)"
    raise UsageError(
        f"{path.name} is neither Parquet nor CSV by its name. "
        f"Give a file that ends in {', '.join((*PARQUET, *CSV))}, or a folder of Parquet files."
    )


def night_of(column: str) -> str:
    """Return the night of a row as SQL: the day of a date or time, in UTC; NULL where it is none."""
    return f"strftime(TRY_CAST(TRY_CAST({quoted(column)} AS TIMESTAMPTZ) AS DATE), '%Y-%m-%d')"
