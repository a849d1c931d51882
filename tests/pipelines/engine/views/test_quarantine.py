from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.pipeline import Rows
from pipelines.engine.storage.location import here
from pipelines.engine.views.quarantine import REASONS, read_refused, refused_rows
from tests.pipelines.engine.steps.tides import SCHEMA, declare

SECRET = "Ada-Lovelace-1815"
ROWS = pa.table(
    {
        "position": [9, 4, 7, 2],
        "reasons": ["strange wind", "strange wind", "no depth; strange wind", "strange wind"],
        "buoy": ["a", "b", SECRET, "d"],
        "wind": [99.0, 1e9 / 3, -7.25, None],
    }
)


def test_reasons_come_by_frequency_with_their_first_rows():
    found = refused_rows(ROWS, ["buoy"], (), samples=2)

    assert (found.rows, found.columns, found.hidden) == (4, ("position", "buoy", "wind"), ())
    assert [(group.reasons, group.rows) for group in found.groups] == [
        ("strange wind", 3),
        ("no depth; strange wind", 1),
    ]
    assert found.groups[0].samples == (("2", "d", None), ("4", "b", "3.33333e+08"))


def test_sensitive_values_are_hidden_missing_ones_too():
    found = refused_rows(ROWS, ["buoy"], ("buoy", "wind"))

    assert SECRET not in repr(found)
    assert {sample[1:] for group in found.groups for sample in group.samples} == {("(hidden)", "(hidden)")}
    assert found.hidden == ("buoy", "wind")


def test_many_reasons_are_cut_and_still_counted():
    many = pa.table({"position": range(100), "reasons": [f"reason {n}" for n in range(100)], "buoy": ["x"] * 100})
    found = refused_rows(many, ["buoy"], ())

    assert (found.rows, len(found.groups)) == (100, REASONS)


def test_file_is_read_as_the_declaration_says(tmp_path):
    path = tmp_path / "night=2024-03-06" / "refused.parquet"
    path.parent.mkdir()
    rows = {field.name: pa.nulls(1, field.type) for field in SCHEMA} | {"buoy": pa.array([SECRET])}
    pq.write_table(pa.table({"position": [3], "reasons": ["strange wind"], **rows}), path)
    columns = declare().rows.columns
    pipeline = declare(rows=Rows(columns=columns, sensitive=["buoy"]))
    found = read_refused(here(path), pipeline, columns=["wind"])

    assert found is not None
    assert found.columns == ("position", "buoy", "wind")
    assert found.groups[0].samples == (("3", "(hidden)", None),)
    assert read_refused(here(tmp_path / "none.parquet"), pipeline) is None
