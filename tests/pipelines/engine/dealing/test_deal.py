"""A source becomes nights: every row once, with the declared types, and the same bytes each time."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.engine.dealing import deal
from pipelines.engine.errors import DataError, RowsMissing, RowsUnreadable, UsageError
from pipelines.engine.rows import compare_columns, type_name

ROWS = {"visit": "string", "day": "timestamp", "postcode": "string", "age": "int64", "weight": "double"}
LABELS = {"visit": "string", "returned": "int64"}
CSV = """visit,day,postcode,age,weight,returned
v3,2026-01-02,00501,33,,no
v1,2026-01-01,10001,31,70.5,yes
v2,2026-01-01,00501,32,60,no
v4,2026-01-02,00501,34,80,
"""


@pytest.fixture
def visits(tmp_path):
    path = tmp_path / "visits.csv"
    path.write_text(CSV)
    return path


def dealt(folder, source, **changes):
    words = {"night": "day", "rows": ROWS, "labels": LABELS, "target": "returned", "one_where": "yes", **changes}
    return deal(folder, source=source, progress=lambda *_: None, **words)


def test_every_row_lands_in_its_night_with_the_declared_types(tmp_path, visits):
    made = dealt(tmp_path / "data", visits)
    assert (made.nights, made.rows, made.written, made.first, made.last) == (2, 4, 4, "2026-01-01", "2026-01-02")
    for night, visited in (("2026-01-01", ["v1", "v2"]), ("2026-01-02", ["v3", "v4"])):
        rows = pq.read_table(tmp_path / f"data/rows/{night}.parquet")
        assert rows["visit"].to_pylist() == visited
        assert compare_columns(ROWS, {field.name: type_name(field.type) for field in rows.schema}) == []


def test_text_that_looks_like_a_number_stays_text(tmp_path, visits):
    visits.write_text(CSV.replace("10001", "10002"))
    dealt(tmp_path / "data", visits)
    rows = pq.read_table(tmp_path / "data/rows/2026-01-01.parquet")
    assert rows["postcode"].to_pylist() == ["10002", "00501"]


def test_a_label_becomes_one_where_it_has_the_value_and_rows_without_one_are_not_labelled(tmp_path, visits):
    dealt(tmp_path / "data", visits)
    first, second = (pq.read_table(tmp_path / f"data/labels/2026-01-0{day}.parquet").to_pylist() for day in (1, 2))
    assert first == [{"visit": "v1", "returned": 1}, {"visit": "v2", "returned": 0}]
    assert second == [{"visit": "v3", "returned": 0}]


def test_the_same_source_changes_nothing_and_a_spoilt_file_is_restored(tmp_path, visits):
    dealt(tmp_path / "data", visits)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("data/*/*.parquet")}
    assert dealt(tmp_path / "data", visits).written == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    spoilt = tmp_path / "data/rows/2026-01-02.parquet"
    whole = spoilt.read_bytes()
    spoilt.write_bytes(whole[:50])
    assert dealt(tmp_path / "data", visits).written == 1
    assert spoilt.read_bytes() == whole


def test_a_folder_of_parquet_files_is_one_source_and_times_are_days_in_utc(tmp_path):
    (tmp_path / "visits").mkdir()
    late = pd.Timestamp("2026-01-01 23:30", tz="America/New_York")
    for number, day in enumerate((pd.Timestamp("2026-01-01 12:00", tz="UTC"), late)):
        frame = pd.DataFrame(
            {"visit": [f"v{number}"], "day": [day], "postcode": ["1"], "age": [1], "weight": [1.0], "returned": [1]}
        )
        frame.to_parquet(tmp_path / f"visits/{number}.parquet")
    made = dealt(tmp_path / "data", tmp_path / "visits", one_where=None)
    assert (made.first, made.last) == ("2026-01-01", "2026-01-02")


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("weight", "wieght", DataError, "no column 'weight'. Did you mean 'wieght'?"),
        ("2026-01-02,00501,34", ",00501,34", DataError, "1 rows of .* belong to no night: 'day'"),
        ("34,80", "old,80", DataError, "does not fit what is declared: Could not convert string 'old'"),
    ],
)
def test_a_source_that_does_not_fit_is_refused_in_words(tmp_path, visits, old, new, error, words):
    visits.write_text(CSV.replace(old, new))
    with pytest.raises(error, match=words):
        dealt(tmp_path / "data", visits)
    assert not list(tmp_path.glob("data/*/*.parquet"))


def test_what_is_no_source_is_refused_in_words(tmp_path):
    with pytest.raises(RowsMissing, match=r"there is no .*gone\.csv"):
        dealt(tmp_path, tmp_path / "gone.csv")
    with pytest.raises(RowsMissing, match="holds no Parquet file"):
        dealt(tmp_path, tmp_path)
    (tmp_path / "visits.xlsx").write_bytes(b"PK")
    with pytest.raises(UsageError, match=r"visits\.xlsx is neither Parquet nor CSV"):
        dealt(tmp_path, tmp_path / "visits.xlsx")
    (tmp_path / "visits.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(RowsUnreadable, match=r"visits\.parquet cannot be read"):
        dealt(tmp_path, tmp_path / "visits.parquet")
    (tmp_path / "empty.csv").write_text(CSV.splitlines()[0])
    with pytest.raises(RowsMissing, match="holds no row"):
        dealt(tmp_path, tmp_path / "empty.csv")
