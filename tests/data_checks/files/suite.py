"""Tables of awkward values, suites made of expectations, and both ways to run them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq

from data_checks import ParquetRows, runner
from tests.data_checks.frames import context

SCHEMA = pa.schema(
    {
        "s": pa.string(),
        "t": pa.string(),
        "x": pa.float64(),
        "y": pa.float64(),
        "i": pa.int64(),
        "j": pa.int64(),
        "at": pa.timestamp("us", tz="UTC"),
        "before": pa.timestamp("us", tz="UTC"),
    }
)
KINDS = dict.fromkeys(("s", "t"), "string") | dict.fromkeys(("x", "y"), "double")
KINDS |= dict.fromkeys(("i", "j"), "int64") | dict.fromkeys(("at", "before"), "timestamp")
NOON = datetime(2013, 11, 19, 12, tzinfo=UTC)
TEXTS = ("", "a", "b", "A1", "a\n", "it's", "é", "٣", "2013-11-01-7", None)
NUMBERS = (0.0, 0.25, 1.0, 2.5, -3.0, 1e300, float("inf"), float("-inf"), float("nan"), None)
WHOLE = (0, 1, 2, -3, 7, 10**12)
INSTANTS = (NOON, NOON + timedelta(microseconds=1), NOON - timedelta(days=1), NOON + timedelta(days=400), None)


def table_of(lines):
    """A table of the schema; `lines` are dictionaries."""
    return pa.Table.from_pylist(list(lines), schema=SCHEMA)


def named(monkeypatch, expectations):
    """Give a suite a module to live in."""
    module = ModuleType("suite_of_files")
    module.build = lambda _context: list(expectations)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


def on_pandas(module, tables):
    """What pandas says of the rows."""
    frame = pa.concat_tables(tables).to_pandas()
    return runner.run("suite", module, frame, context())


def on_files(module, tables, folder):
    """What is said of the same rows in files; each file is written in another way."""
    paths = []
    for number, table in enumerate(tables):
        paths.append(folder / f"{number}.parquet")
        columns = {"s": table["s"].dictionary_encode(), "at": table["at"].cast(pa.timestamp("ns", tz="UTC"))}
        for column in columns if number % 2 else ():
            table = table.set_column(table.schema.get_field_index(column), column, columns[column])
        pq.write_table(table, paths[-1], row_group_size=3)
    return runner.run("suite", module, ParquetRows(tuple(paths), KINDS), context())


def assert_alike(ours, stock):
    """Every outcome, refused row and position is the same."""
    assert [pair for pair in zip(ours.outcomes, stock.outcomes, strict=True) if pair[0] != pair[1]] == []
    assert (ours.status, ours.rows) == (stock.status, stock.rows)
    assert ours.refused_positions.tolist() == stock.refused_positions.tolist()
    assert ours.refused.equals(stock.refused)
