"""Parquet files as one DuckDB view: a column per declared column, and `position`, the place of the row in all files.

Columns have one form however the files keep them: text, 64-bit numbers, instants in UTC to the microsecond. NaN is a
missing value, as it is in pandas; DuckDB would take it for the greatest number.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from data_checks.errors import damaged
from data_checks.files.literals import ALL, quoted, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    import numpy
    import pandas
    import pyarrow

    from data_checks.files.rows import ParquetRows

POSITION = "__position"
MEMORY_LIMIT = "1GB"
"""What DuckDB may hold; beyond it, it sorts and groups on disk. The process needs some 400 MB beside it."""


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def opened(rows: ParquetRows | View) -> AbstractContextManager[View]:
    """The files open for a `with` block; files that are open already stay so after it."""
    return nullcontext(rows) if isinstance(rows, View) else View(rows)


class View:
    """The files, open for questions. Use it in a `with` block.

    Raises:
        RowsDamaged: By every method: a file cannot be read.
    """

    def __init__(self, rows: ParquetRows) -> None:
        self.rows = rows
        self.kinds = dict(rows.columns)
        self._open = ExitStack()

    def __enter__(self) -> View:
        import duckdb

        spill = self._open.enter_context(tempfile.TemporaryDirectory(prefix="nightshift-checks-"))
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": cores(),
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": spill,
        }
        self._connection = self._open.enter_context(duckdb.connect(":memory:", config=settings))
        try:
            with self.blaming():
                self._connection.execute("SET TimeZone = 'UTC'")
                self._connection.execute(self._definition())
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def ask(self, sql: str) -> pyarrow.Table:
        """The answer to a query; the view is called `rows`.

        Raises:
            duckdb.Error: The query cannot be answered.
        """
        return self._connection.sql(sql).to_arrow_table()

    def do(self, sql: str) -> None:
        """Run a statement."""
        self._connection.execute(sql)

    def aggregate(self, expressions: Sequence[str]) -> list[Any]:
        """The values of some aggregates, found in one scan."""
        if not expressions:
            return []
        # Not through Arrow: that plans a query twice, and hundreds of aggregates take longer to plan than small files to read.
        [line] = self._connection.execute(f"SELECT {', '.join(expressions)} FROM rows").fetchall()  # noqa: S608 - our own SQL
        return list(line)

    def frame(self, columns: Sequence[str], where: str = ALL) -> pandas.DataFrame:
        """Some columns of the rows that meet a condition, in row order, with the types that the whole column has.

        The condition must not join: DuckDB keeps the order of the files only where it need not look elsewhere.
        """
        return self._frame(columns, f"WHERE {where}")

    def _frame(self, columns: Sequence[str], ending: str) -> pandas.DataFrame:
        listed = ", ".join(map(quoted, columns)) or "1 AS nothing"
        with self.blaming():
            frame = self.ask(f"SELECT {listed} FROM rows {ending}").to_pandas()[list(columns)]  # noqa: S608 - quoted
        return self.typed(frame)

    def typed(self, frame: pandas.DataFrame) -> pandas.DataFrame:
        """The frame with the types that its columns have when all rows are read."""
        return frame.astype({column: self.dtypes[column] for column in frame.columns if column in self.dtypes})

    def at(self, columns: Sequence[str], positions: numpy.ndarray[Any, Any]) -> pandas.DataFrame:
        """Some columns of the rows at some positions, which are sorted."""
        import pyarrow as pa

        if not len(positions):
            return self.frame(columns, "FALSE")
        self._connection.register("chosen", pa.table({"position": positions}))
        try:
            return self._frame(columns, f"WHERE {POSITION} IN (SELECT position FROM chosen) ORDER BY {POSITION}")  # noqa: S608 - our own names
        finally:
            self._connection.unregister("chosen")

    @cached_property
    def row_count(self) -> int:
        """How many rows there are; the footers say it."""
        return sum(self._lengths)

    @cached_property
    def dtypes(self) -> dict[str, Any]:
        """What pandas calls the type of each column: whole numbers are floats where one is missing."""
        import pandas as pd
        import pyarrow as pa

        dtypes = {}
        for field in self.ask("SELECT * FROM rows LIMIT 0").schema:
            if field.name != POSITION:
                one = pa.nulls(1 if field.name in self.with_missing else 0, field.type).to_pandas()
                dtypes[field.name] = pd.Series(one).infer_objects().dtype
        return dtypes

    @cached_property
    def with_missing(self) -> frozenset[str]:
        """Columns with a missing value whose type in pandas depends on it: not text, instants or doubles."""
        asked = [column for column, kind in self.kinds.items() if kind not in ("string", "timestamp", "double")]
        known = {column: self._nulls_in_footers(column) for column in asked}
        unknown = [column for column in asked if known[column] is None]
        found = self.aggregate([f"count(*) FILTER (WHERE {quoted(column)} IS NULL)" for column in unknown])
        return frozenset(
            column for column, count in {**known, **dict(zip(unknown, found, strict=True))}.items() if count
        )

    @contextmanager
    def blaming(self) -> Iterator[None]:
        """Say which file is damaged where that is why DuckDB fails.

        Raises:
            RowsDamaged: A file cannot be read.
            duckdb.Error: All can be read, so something else is wrong.
        """
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            for path in self.rows.paths:
                reason = _unreadable(path, list(self.kinds))
                if reason:
                    raise damaged(path, reason) from error
            raise

    @cached_property
    def _footers(self) -> list[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        footers = []
        for path in self.rows.paths:
            try:
                footers.append(pq.read_metadata(path))
            except (pa.ArrowException, OSError) as error:
                raise damaged(path, str(error)) from error
        return footers

    @property
    def _lengths(self) -> list[int]:
        return [footer.num_rows for footer in self._footers]

    def _nulls_in_footers(self, column: str) -> int | None:
        total = 0
        for footer in self._footers:
            with suppress(ValueError):
                place = footer.schema.to_arrow_schema().names.index(column)
                for group in range(footer.num_row_groups):
                    statistics = footer.row_group(group).column(place).statistics
                    if statistics is None or not statistics.has_null_count:
                        return None
                    total += statistics.null_count
        return total

    def _definition(self) -> str:
        paths = ", ".join(text(str(path)) for path in self.rows.paths)
        begins = [sum(self._lengths[:place]) for place in range(len(self._lengths))]
        begin = f"{begins}[CAST(file_index AS BIGINT) + 1] + " if len(begins) > 1 else ""
        columns = [f"{_in_one_form(quoted(column), kind)} AS {quoted(column)}" for column, kind in self.kinds.items()]
        position = f"{begin}file_row_number AS {POSITION}"
        return f"CREATE TEMP VIEW rows AS SELECT {', '.join([*columns, position])} FROM read_parquet([{paths}], hive_partitioning = false)"  # noqa: S608 - quoted


def _in_one_form(column: str, kind: str) -> str:
    forms = {
        "string": f"CAST({column} AS VARCHAR)",
        "timestamp": f"CAST({column} AS TIMESTAMPTZ)",
        "double": f"nullif({column}, CAST('nan' AS DOUBLE))",
    }
    return forms.get(kind, column)


def _unreadable(path: Path, columns: Sequence[str]) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches(columns=list(columns)):
                pass
    except (pa.ArrowException, OSError) as error:
        return str(error)
    return None
