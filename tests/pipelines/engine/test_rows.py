"""A night's files are found, held against what was declared, and named by what is in them."""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.engine.errors import RowsMissing, RowsUnreadable, SchemaMismatch
from pipelines.engine.rows import (
    find_files,
    fingerprint,
    in_content_order,
    inspect_files,
    iterate_batches,
    known_nights,
)
from pipelines.engine.storage import here

NIGHT = "2013-11-19"
COLUMNS = {"flight_id": "string", "distance": "double", "month": "int64", "late": "bool", "known_at": "timestamp"}
MOMENT = datetime(2013, 11, 18, 23, tzinfo=UTC)


def rows_of(number=3, first=0):
    return pa.table(
        {
            "flight_id": pa.array([f"f{n}" for n in range(first, first + number)], pa.string()),
            "distance": pa.array([n / 2 for n in range(number)], pa.float64()),
            "month": pa.array([11] * number, pa.int64()),
            "late": pa.array([n % 2 == 0 for n in range(number)], pa.bool_()),
            "known_at": pa.array([MOMENT] * number, pa.timestamp("us", tz="UTC")),
        }
    )


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "flights" / "rows"
    path.mkdir(parents=True)
    return path


def deliver(folder, table=None, name=f"{NIGHT}.parquet", **options):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows_of() if table is None else table, path, **options)
    return path


def inspect(path):
    return inspect_files([here(path)], COLUMNS)


def mismatch_of(folder, table):
    with pytest.raises(SchemaMismatch) as caught:
        inspect(deliver(folder, table))
    return str(caught.value)


def test_one_file_is_found(folder):
    path = deliver(folder)
    assert find_files(here(folder), NIGHT) == [here(path)]


def test_folder_of_files_is_found_in_order(folder):
    files = [deliver(folder, name=f"{NIGHT}/{part}.parquet") for part in ("b", "a")]
    assert [file.copy() for file in find_files(here(folder), NIGHT)] == sorted(files)


def test_missing_night_names_the_nights_that_there_are(folder):
    deliver(folder, name="2013-11-01.parquet")
    deliver(folder, name="2013-11-03/part.parquet")
    with pytest.raises(RowsMissing, match="There are 2 nights, 2013-11-01 to 2013-11-03") as caught:
        find_files(here(folder), NIGHT)
    assert str(folder / f"{NIGHT}.parquet") in str(caught.value)
    assert known_nights(here(folder)) == ["2013-11-01", "2013-11-03"]


def test_missing_night_in_an_empty_folder_says_how_to_get_data(folder):
    with pytest.raises(RowsMissing, match=r"has no night at all.*nightshift data flights"):
        find_files(here(folder), NIGHT)


def test_half_written_files_are_no_files(folder):
    deliver(folder, name=f".{NIGHT}.parquet.77.part")
    with pytest.raises(RowsMissing):
        find_files(here(folder), NIGHT)


def test_right_file_is_described(folder):
    path = deliver(folder, row_group_size=2)
    (file,) = inspect(path)
    assert (file.rows, file.row_groups, file.size) == (3, (2, 1), path.stat().st_size)
    assert len(file.sha256) == 64


@pytest.mark.parametrize("table", [rows_of(0), rows_of()[:0]])
def test_file_without_rows_is_refused(folder, table):
    with pytest.raises(RowsMissing, match="holds no row"):
        inspect(deliver(folder, table))


def test_one_of_several_files_may_be_empty(folder):
    full, empty = deliver(folder, name="a.parquet"), deliver(folder, rows_of(0), name="b.parquet")
    assert [file.rows for file in inspect_files([here(full), here(empty)], COLUMNS)] == [3, 0]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"flight_id,distance\nf1,3\n", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_file_that_is_not_parquet_is_refused(folder, content):
    path = folder / f"{NIGHT}.parquet"
    path.write_bytes(content)
    with pytest.raises(RowsUnreadable, match=rf"cannot be read as Parquet \({len(content)} bytes\)"):
        inspect(path)


def test_file_that_is_cut_short_is_refused(folder):
    path = deliver(folder)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RowsUnreadable, match="Deliver the whole file again"):
        inspect(path)


def test_damage_behind_a_whole_footer_is_told_when_the_rows_are_read(folder):
    path = deliver(folder, rows_of(1000), compression="zstd", use_dictionary=False)
    column = pq.read_metadata(path).row_group(0).column(1)
    damaged = bytearray(path.read_bytes())
    start = column.data_page_offset + 40
    damaged[start : start + 200] = b"\xff" * 200
    path.write_bytes(damaged)
    (file,) = inspect(path)
    with pytest.raises(RowsUnreadable, match="is damaged inside"):
        list(iterate_batches(file.copy, file.path, [0], ["distance"], [], 10))


def test_dropped_column_is_named(folder):
    assert "column 'distance' (double) is missing." in mismatch_of(folder, rows_of().drop_columns("distance"))


def test_renamed_column_names_the_nearest(folder):
    names = ["distanze" if name == "distance" else name for name in COLUMNS]
    message = mismatch_of(folder, rows_of().rename_columns(names))
    assert "column 'distance' (double) is missing. Did you mean 'distanze'?" in message
    assert "column 'distanze' (double) is not declared" in message


@pytest.mark.parametrize(
    ("name", "kind", "got"),
    [
        ("distance", pa.float32(), "float"),
        ("month", pa.int32(), "int32"),
        ("flight_id", pa.binary(), "binary"),
        ("known_at", pa.timestamp("us"), "timestamp without a time zone"),
        ("late", pa.int64(), "int64"),
    ],
)
def test_retyped_column_is_named(folder, name, kind, got):
    table = rows_of()
    position = table.schema.get_field_index(name)
    wrong = table.set_column(position, name, table[name].cast(kind))
    assert f"column {name!r}: expected {COLUMNS[name]}, got {got}" in mismatch_of(folder, wrong)


def test_column_that_is_there_twice_is_named(folder):
    table = rows_of()
    assert "column 'month' is there 2 times" in mismatch_of(folder, table.append_column("month", table["month"]))


def test_all_differences_are_told_at_once_and_not_more_than_can_be_read(folder):
    table = rows_of().drop_columns(["distance", "month"])
    for number in range(12):
        table = table.append_column(f"extra_{number}", pa.nulls(3, pa.string()))
    message = mismatch_of(folder, table)
    assert "and 6 more" in message
    assert len(message.splitlines()) <= 11


def test_order_of_columns_does_not_matter(folder):
    assert inspect(deliver(folder, rows_of().select(list(reversed(COLUMNS)))))[0].rows == 3


@pytest.mark.parametrize("text", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_text_may_be_kept_in_other_forms(folder, text):
    table = rows_of()
    assert inspect(deliver(folder, table.set_column(0, "flight_id", table["flight_id"].cast(text))))[0].rows == 3


def test_same_bytes_under_another_name_are_the_same_rows(folder):
    one = deliver(folder, name="one.parquet")
    other = folder / "other.parquet"
    other.write_bytes(one.read_bytes())
    assert fingerprint(inspect(one)) == fingerprint(inspect(other))


def test_other_rows_have_another_fingerprint(folder):
    assert fingerprint(inspect(deliver(folder))) != fingerprint(inspect(deliver(folder, rows_of(first=1))))


def test_names_of_files_change_neither_fingerprint_nor_order(folder):
    tables = {"a": rows_of(), "b": rows_of(first=3)}
    straight = inspect_files([here(deliver(folder, tables[n], f"{n}.parquet")) for n in "ab"], COLUMNS)
    swapped = inspect_files([here(deliver(folder, tables[n], f"{m}.parquet")) for n, m in ("ab", "ba")], COLUMNS)
    assert fingerprint(straight) == fingerprint(swapped)
    assert [f.sha256 for f in in_content_order(straight)] == [f.sha256 for f in in_content_order(swapped)]


def test_same_file_twice_in_a_night_is_not_the_file_once(folder):
    (once,) = inspect(deliver(folder))
    assert fingerprint([once]) != fingerprint([once, once])


def test_batches_stream_the_asked_row_groups_and_columns_in_order(folder):
    path = deliver(folder, rows_of(10), row_group_size=3)
    batches = list(iterate_batches(path, str(path), [1, 2], ["month", "flight_id"], ["flight_id"], batch_rows=2))
    assert [value for batch in batches for value in batch.column("flight_id").to_pylist()] == [
        f"f{n}" for n in range(3, 9)
    ]
    assert max(batch.num_rows for batch in batches) == 2
    assert all(pa.types.is_dictionary(batch.column("flight_id").type) for batch in batches)
    assert set(batches[0].schema.names) == {"month", "flight_id"}
