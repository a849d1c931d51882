"""Rows get the labels of their ids and night, whatever files they come in."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine import labelled
from pipelines.engine.errors import DataError, RowsUnreadable
from pipelines.engine.labelled import Side, read_labelled
from pipelines.engine.pipeline import Labels, Rows
from pipelines.engine.rows import inspect_files
from pipelines.engine.storage import here
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import _suites

__all__ = ["_suites"]
NOBODY = np.empty(0, dtype=np.int64)
ROWS = {"buoy": "string", "sea": "string", "wind": "double", "depth": "int64", "measured_at": "timestamp"}
NAMES = ("a", "b", "c", "d", "e")


def side(folder, nights, kinds, refused=NOBODY):
    """Write nights, each a list of files, each a table."""
    files = []
    for night, tables in nights.items():
        paths = []
        for number, table in enumerate(tables):
            path = folder / f"{night}-{number}.parquet"
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, path, row_group_size=3)
            paths.append(here(path))
        files.append((night, inspect_files(paths, kinds)))
    return Side(files, np.asarray(refused, dtype=np.int64))


def rows_of(buoys, *, sea=None, text=None):
    buoys = list(buoys)
    text = text or pa.string()
    return pa.table(
        {
            "buoy": pa.array(buoys, pa.string()),
            "sea": pa.array(sea or ["north"] * len(buoys), pa.string()).cast(text),
            "wind": pa.array(np.arange(len(buoys)) / 2),
            "depth": pa.array(range(len(buoys)), pa.int64()),
            "measured_at": pa.array(
                [datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)] * len(buoys), pa.timestamp("ns", tz="UTC")
            ),
        }
    )


def labels_of(buoys, flooded):
    return pa.table({"buoy": pa.array(buoys, pa.string()), "flooded": pa.array(flooded, pa.int64())})


def read(tmp_path, rows, labels, columns=("sea", "depth"), refused_rows=NOBODY, refused_labels=NOBODY):
    pipeline = tides.declare()
    one = side(tmp_path / "rows", rows, pipeline.rows.columns, refused_rows)
    two = side(tmp_path / "labels", labels, pipeline.labels.columns, refused_labels)
    return read_labelled(pipeline, one, two, columns)


def test_ids_that_come_every_night_get_the_label_of_their_night(tmp_path):
    found = read(
        tmp_path,
        {"2024-01-01": [rows_of("ab")], "2024-01-02": [rows_of("ab")]},
        {"2024-01-01": [labels_of(["b", "a"], [1, 0])], "2024-01-02": [labels_of(["a"], [1])]},
        ["buoy"],
    )
    assert found.table["buoy"].to_pylist() == ["a", "b", "a"]
    assert found.target.tolist() == [0, 1, 1]
    assert found.nights == (("2024-01-01", 2), ("2024-01-02", 1))


def test_text_comes_as_dictionaries_however_the_files_keep_it(tmp_path):
    kept = [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]
    night = [
        rows_of(names, sea=[sea] * 2, text=text)
        for names, sea, text in zip(("ab", "cd", "ef"), tides.SEAS, kept, strict=True)
    ]
    found = read(tmp_path, {"2024-01-01": night}, {"2024-01-01": [labels_of(list("abcdef"), [0, 1] * 3)]})
    assert pa.types.is_dictionary(found.table.schema.field("sea").type)
    assert found.table["sea"].to_pylist() == [sea for sea in tides.SEAS for _ in range(2)]
    assert found.table["depth"].to_pylist() == [0, 1] * 3


def test_nights_are_taken_apart_without_a_copy_and_without_reading_the_others(tmp_path):
    nights = {f"2024-01-0{day}": [rows_of("abc")] for day in (1, 2, 3)}
    labels = {night: [labels_of(list("abc"), [0, 1, day])] for day, night in enumerate(nights)}
    labels["2024-01-03"] = [labels_of(list("abc"), [0, 1, 7])]
    one = side(tmp_path / "rows", nights, ROWS, [1, 4])
    two = side(tmp_path / "labels", labels, {"buoy": "string", "flooded": "int64"})
    first, second = list(nights)[:2]
    found = read_labelled(tides.declare(), one.of([first, second]), two.of([first, second]), ["buoy"])
    assert found.table["buoy"].to_pylist() == ["a", "c", "a", "c"], "refused positions are those of the whole window"
    assert found.slice(1, 2).table["buoy"].to_pylist() == ["a", "c"]
    assert found.slice(1, 2).nights == ((second, 2),)
    (later,) = [read_labelled(tides.declare(), s.of([second]), t.of([second]), ["buoy"]) for s, t in [(one, two)]]
    assert later.table["buoy"].to_pylist() == ["a", "c"]
    with pytest.raises(DataError, match="1 labels in 'flooded' of tides are neither 0 nor 1"):
        read_labelled(tides.declare(), one, two, ["buoy"])


def test_two_labels_for_one_id_are_refused(tmp_path):
    labels = {"2024-01-01": [labels_of(["a", "a"], [0, 1])]}
    with pytest.raises(DataError, match=r'1 ids \("buoy"\) of tides have two labels or more'):
        read(tmp_path, {"2024-01-01": [rows_of("ab")]}, labels)


def test_a_missing_label_is_no_label(tmp_path):
    with pytest.raises(DataError, match="1 labels in 'flooded' of tides are neither 0 nor 1"):
        read(tmp_path, {"2024-01-01": [rows_of("ab")]}, {"2024-01-01": [labels_of(["a", "b"], [None, 1])]})


def test_a_file_that_is_damaged_inside_is_named(tmp_path):
    one = side(tmp_path / "rows", {"2024-01-01": [rows_of("abcdefgh")]}, ROWS)
    two = side(tmp_path / "labels", {"2024-01-01": [labels_of(["a"], [1])]}, {"buoy": "string", "flooded": "int64"})
    path = one.files[0][1][0].copy
    path.write_bytes(b"PAR1" + b"\0" * 40 + path.read_bytes()[44:])
    with pytest.raises(RowsUnreadable, match="is damaged inside"):
        read_labelled(tides.declare(), one, two, ["sea"])


def test_column_name_that_means_something_to_sql_is_a_name(tmp_path):
    hostile, target = 'id" FROM rows; DROP VIEW labels; --', 'flooded" OR "1'
    pipeline = tides.declare(
        rows=Rows(columns={hostile: "string", "wind": "double"}),
        labels=Labels(columns={hostile: "string", target: "int64"}, target=target),
        id_columns=[hostile],
        features=["wind"],
        slices=[],
    )
    rows = side(tmp_path / "r", {"n": [pa.table({hostile: ["a", "b"], "wind": [1.0, 2.0]})]}, pipeline.rows.columns)
    labels = side(tmp_path / "l", {"n": [pa.table({hostile: ["b", "a"], target: [1, 0]})]}, pipeline.labels.columns)
    found = read_labelled(pipeline, rows, labels, ["wind"])
    assert (found.target.tolist(), found.table["wind"].to_pylist()) == ([0, 1], [1.0, 2.0])


buoys = st.lists(st.sampled_from(NAMES), unique=True, max_size=len(NAMES))
nights = st.lists(st.tuples(buoys, buoys, buoys), min_size=1, max_size=4)


@settings(max_examples=25)
@given(nights=nights, chosen=st.data())
def test_it_is_the_join_of_a_plain_script(tmp_path_factory, nights, chosen):
    folder = tmp_path_factory.mktemp("join")
    rows, labels = {}, {}
    for number, (first, second, known) in enumerate(nights):
        night = f"2024-01-0{number + 1}"
        rows[night] = [rows_of(first or ["z"]), rows_of([name for name in second if name not in first] or ["y"])]
        labels[night] = [labels_of(known or ["x"], [len(name) % 2 for name in known] or [1])]
    total = sum(table.num_rows for tables in rows.values() for table in tables)
    refused = sorted(chosen.draw(st.sets(st.integers(0, total - 1))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labelled, "GROUP_ROWS", chosen.draw(st.sampled_from([1, 5, 1000])))
        found = read(folder, rows, labels, ["buoy", "depth"], refused_rows=np.array(refused, dtype=np.int64))
    plain = pd.concat([t.to_pandas().assign(night=night) for night, tables in rows.items() for t in tables])
    plain = plain.reset_index(drop=True).drop(index=refused)
    known = pd.concat([t.to_pandas().assign(night=night) for night, tables in labels.items() for t in tables])
    expected = plain.merge(known, on=["night", "buoy"]).sort_values(["night", "buoy"])
    assert found.table["buoy"].to_pylist() == expected["buoy"].tolist()
    assert found.table["depth"].to_pylist() == expected["depth"].tolist()
    assert found.target.tolist() == expected["flooded"].tolist()
    assert dict(found.nights) == {night: int((expected["night"] == night).sum()) for night in rows}
