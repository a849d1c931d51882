"""Rows whose labels are known: read night by night through the reader of scoring, and joined by DuckDB on the ids alone.

Only the columns that are needed are read, text as Arrow dictionaries. Some nights are joined at once and then left behind,
so that the memory in use grows with what is kept and not with what is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.engine.errors import DataError
from pipelines.engine.kinds import Kind
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.rows import NightFile, iterate_batches

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

Files = Sequence[tuple[str, Sequence[NightFile]]]
"""Nights, oldest first, each with its files in the order of their content."""

GROUP_ROWS = 500_000
"""About how many rows are joined at once: a join for each night would cost more than the rows of small nights."""
BATCH_ROWS = 131_072
WRONG: Mapping[str, str] = {
    "binary": "neither 0 nor 1",
    "multiclass": "missing",
    "regression": "missing, or no finite number",
}
"""What labels are that cannot be learned from."""
_NIGHT, _POSITION, _TARGET = "__night", "__position", "__target"


@dataclass(frozen=True)
class Labelled:
    """Rows with their labels.

    Attributes:
        table: The wanted columns of the rows, ordered by night and ids; text as dictionaries.
        target: The label of each row, shape (rows,): 0 or 1, a value (float64), or a class (int64, or objects that are text).
        nights: Each night with its number of rows, in the order of the table.
    """

    table: pa.Table
    target: np.ndarray
    nights: tuple[tuple[str, int], ...]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.target)

    def slice(self, first: int, last: int) -> Labelled:
        """Return some of the nights, by their place in `nights`; nothing is copied."""
        start, end = (sum(rows for _, rows in self.nights[:place]) for place in (first, last))
        return Labelled(self.table.slice(start, end - start), self.target[start:end], self.nights[first:last])


@dataclass(frozen=True)
class Side:
    """The files of a window, rows or labels, and what the checks refused of them.

    Attributes:
        files: Of all nights of the window.
        refused: Positions of refused rows in the whole window, int64, sorted.
    """

    files: Files
    refused: np.ndarray

    def of(self, nights: Sequence[str]) -> Side:
        """Return these nights only, which must follow each other in the window; nothing of the others is read."""
        place = [night for night, _ in self.files].index(nights[0])
        before = sum(file.rows for _, files in self.files[:place] for file in files)
        kept = self.files[place : place + len(nights)]
        rows = sum(file.rows for _, files in kept for file in files)
        here = (self.refused >= before) & (self.refused < before + rows)
        return Side(kept, self.refused[here] - before)


def read_labelled(pipeline: Pipeline, rows: Side, labels: Side, columns: Sequence[str]) -> Labelled:
    """Read rows and give each the label of its ids in the same night; rows without one are left out.

    Args:
        pipeline: Says what the ids and the target are.
        rows: The rows' files.
        labels: The labels' files, of the same nights.
        columns: Columns of the rows to keep.

    Raises:
        DataError: A row has two labels, or a label is missing, or none of the pipeline's kind.
        RowsUnreadable: A file is damaged.
    """
    import duckdb
    import numpy as np
    import pyarrow as pa

    ids = list(pipeline.id_columns)
    target = pipeline.labels.target
    text = {name for name in columns if pipeline.rows.columns[name] == "string"}
    row_schema = _schema(pipeline.rows.columns, dict.fromkeys([*ids, *columns]), text)
    label_schema = _schema(pipeline.labels.columns, dict.fromkeys([*ids, target]), ())
    tables, targets, counts = (
        [row_schema.empty_table().select(list(columns))],
        [np.empty(0, dtype=_target_form(pipeline).dtype)],
        [],
    )
    doubled = wrong = 0
    sides = zip(_read(rows, row_schema), _read(labels, label_schema), strict=True)
    with duckdb.connect() as connection:
        for group in _groups(sides):
            joined = _join(connection, pipeline, [night for night, _ in group], [night for _, night in group])
            doubled += joined.doubled
            wrong += joined.wrong
            read = pa.concat_tables([night for night, _ in group]).select(list(columns))
            tables.append(_taken(read, joined.positions))
            targets.append(joined.target)
            counts += joined.counts
    if doubled:
        named = ", ".join(map(_quoted, ids))
        raise DataError(
            f"{doubled} ids ({named}) of {pipeline.name} have two labels or more; deliver one label for each row"
        )
    if wrong:
        raise DataError(f"{wrong} labels in {target!r} of {pipeline.name} are {WRONG[pipeline.kind]}")
    nights = tuple((night, count) for (night, _), count in zip(rows.files, counts, strict=True))
    return Labelled(pa.concat_tables(tables), np.concatenate(targets), nights)


@dataclass(frozen=True)
class _Joined:
    positions: np.ndarray
    target: np.ndarray
    counts: list[int]
    doubled: int
    wrong: int


def _join(
    connection: DuckDBPyConnection, pipeline: Pipeline, rows: Sequence[pa.Table], labels: Sequence[pa.Table]
) -> _Joined:
    """Find out which rows of some nights have which label, in the order of night and ids."""
    import numpy as np

    form = _target_form(pipeline)
    ids = ", ".join(_quoted(name) for name in pipeline.id_columns)
    keys = f'"{_NIGHT}", {ids}'
    twice = f"SELECT count(*) FROM (SELECT {keys} FROM labels GROUP BY ALL HAVING count(*) > 1)"  # noqa: S608 - quoted
    # Rows of the same ids, where a suite lets them through, keep the order of their files.
    join = (
        f'SELECT "{_NIGHT}", rows."{_POSITION}", CAST(labels.{_quoted(pipeline.labels.target)} AS {form.sql}) AS "{_TARGET}" '  # noqa: S608 - quoted
        f'FROM rows JOIN labels USING ({keys}) ORDER BY {keys}, rows."{_POSITION}"'
    )
    connection.register("rows", _keyed(rows, pipeline.id_columns))
    connection.register("labels", _keyed(labels, [*pipeline.id_columns, pipeline.labels.target]))
    (doubled,) = connection.sql(twice).fetchall()[0]
    joined = connection.sql(join).to_arrow_table()
    target = joined[_TARGET]
    values = target.fill_null(form.missing).to_numpy().astype(form.dtype, copy=False)
    counts = np.bincount(joined[_NIGHT].to_numpy(), minlength=len(rows))
    wrong = _wrong(pipeline.kind, values, target.null_count)
    return _Joined(joined[_POSITION].to_numpy(), values, counts.tolist(), doubled, wrong)


def _wrong(kind: Kind, values: np.ndarray, missing: int) -> int:
    """Return how many labels cannot be learned from."""
    import numpy as np

    if kind == "multiclass":
        return missing
    wrong = ~np.isfinite(values) if kind == "regression" else (values != 0) & (values != 1)
    return int(wrong.sum())


@dataclass(frozen=True)
class _TargetForm:
    """How labels are read: as which type of DuckDB and numpy, and what stands for a missing one."""

    sql: str
    dtype: str
    missing: Any


def _target_form(pipeline: Pipeline) -> _TargetForm:
    if pipeline.kind == "regression":
        return _TargetForm("DOUBLE", "float64", float("nan"))
    if pipeline.labels.columns[pipeline.labels.target] == "string":
        return _TargetForm("VARCHAR", "object", "")
    return _TargetForm("BIGINT", "int64", -1)


def _keyed(nights: Sequence[pa.Table], columns: Sequence[str]) -> pa.Table:
    """Put columns of several nights together, with the number of the night and the position among all of them."""
    import numpy as np
    import pyarrow as pa

    table = pa.concat_tables([night.select(list(dict.fromkeys(columns))) for night in nights])
    for place, name in enumerate(table.column_names):
        if pa.types.is_dictionary(table.schema.field(place).type):
            table = table.set_column(place, name, table[name].cast(pa.string()))
    numbers = np.repeat(np.arange(len(nights)), [night.num_rows for night in nights])
    table = table.append_column(_NIGHT, pa.array(numbers))
    return table.append_column(_POSITION, pa.array(np.arange(table.num_rows)))


def _taken(table: pa.Table, positions: np.ndarray) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    table = table.unify_dictionaries()
    if len(positions) == table.num_rows and np.array_equal(positions, np.arange(len(positions))):
        return table
    return table.take(pa.array(positions))


def _groups(sides: Iterator[tuple[pa.Table, pa.Table]]) -> Iterator[list[tuple[pa.Table, pa.Table]]]:
    group: list[tuple[pa.Table, pa.Table]] = []
    rows = 0
    for night in sides:
        group.append(night)
        rows += night[0].num_rows
        if rows >= GROUP_ROWS:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _read(side: Side, schema: pa.Schema) -> Iterator[pa.Table]:
    """Read the nights of a side one after the other, without the refused rows."""
    import numpy as np
    import pyarrow as pa

    text = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    position = 0
    for _, files in side.files:
        batches = []
        for file in files:
            groups = range(len(file.row_groups))
            for batch in iterate_batches(file.copy, file.path, groups, schema.names, text, BATCH_ROWS):
                keep = np.ones(batch.num_rows, dtype=bool)
                first, last = np.searchsorted(side.refused, (position, position + batch.num_rows))
                keep[side.refused[first:last] - position] = False
                position += batch.num_rows
                # Files of several writers are put together, and that needs types that are not only equal in our words.
                plain = batch.select(schema.names).cast(schema, safe=False)
                batches.append(plain if first == last else plain.filter(pa.array(keep)))
        yield pa.Table.from_batches(batches, schema=schema)


def _schema(kinds: Mapping[str, Any], names: Mapping[str, Any], text: Any) -> pa.Schema:
    """Return the one form that columns are read in, however a file keeps them."""
    import pyarrow as pa

    forms = {
        "string": pa.string(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    dictionary = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([pa.field(name, dictionary if name in text else forms[kinds[name]]) for name in names])


def _quoted(column: str) -> str:
    """Return a column's name as SQL: names cannot be parameters."""
    return '"' + column.replace('"', '""') + '"'
