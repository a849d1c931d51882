import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_checks import ParquetRows, RowsDamaged, drift, open_rows
from data_checks.profile import build_profile
from tests.data_checks.files.suite import INSTANTS, KINDS, table_of
from tests.data_checks.frames import make_rows

LINES = [{"s": f"a{n}", "x": float(n), "i": n, "j": n or None, "at": INSTANTS[n % 4]} for n in range(7)]


def written(folder, *tables):
    paths = [folder / f"{number}.parquet" for number in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        pq.write_table(table, path, row_group_size=2)
    return ParquetRows(tuple(paths), KINDS)


def test_files_of_several_writers_have_one_form_and_one_order(tmp_path):
    table = table_of(LINES)
    at, s = (table.schema.get_field_index(column) for column in ("at", "s"))
    others = [
        table.set_column(s, "s", table["s"].cast(pa.large_string())).set_column(
            at, "at", table["at"].cast(pa.timestamp("ns", tz="America/New_York"))
        ),
        table.set_column(s, "s", table["s"].dictionary_encode()),
    ]
    for tables in ([table, *others], [*reversed(others), table]):
        with open_rows(written(tmp_path, *tables)) as rows:
            pd.testing.assert_frame_equal(rows.frame(list(KINDS)), pa.concat_tables([table] * 3).to_pandas())


def test_rows_are_found_by_their_positions_with_the_types_of_the_whole(tmp_path):
    table = table_of(LINES)
    chosen = np.array([1, 6, 7, 13])
    with open_rows(written(tmp_path, table, table)) as rows:
        whole = rows.frame(list(KINDS))
        found = rows.at(list(KINDS), chosen)

    assert str(whole["j"].dtype) == "float64"
    pd.testing.assert_frame_equal(found, whole.iloc[chosen].reset_index(drop=True))


def test_the_same_file_twice_is_its_rows_twice(tmp_path):
    once = written(tmp_path, table_of(LINES))
    with open_rows(ParquetRows(once.paths * 2, KINDS)) as rows:
        assert rows.at(["i"], np.array([3, 10]))["i"].tolist() == [3, 3]


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 and nothing more")

    with pytest.raises(RowsDamaged, match=r"rows\.parquet"), open_rows(ParquetRows((path,), KINDS)):
        pass


def test_drift_of_files_is_that_of_the_frame(tmp_path):
    trained, night = make_rows(), make_rows(seed=8, rows=700)
    night.loc[:40, "temperature_f"] = [np.nan, np.inf, -np.inf, 500.0, 40.1] * 8 + [42.08]
    night.loc[:9, "carrier"] = "ZZ"
    night["wind_gust_mph"] = np.nan
    columns = ["carrier", "aircraft", "month", "departure_minute", "temperature_f", "wind_gust_mph", "pressure_mb"]
    profile = build_profile(trained, columns)
    path = tmp_path / "rows.parquet"
    night.to_parquet(path, index=False)
    kinds = {"carrier": "string", "aircraft": "string", "month": "int64", "departure_minute": "int64"}
    rows = ParquetRows((path,), dict.fromkeys(columns, "double") | kinds)

    assert drift(profile, rows, columns) == pytest.approx(drift(profile, night, columns))


def test_opening_files_imports_no_great_expectations():
    code = "import sys, data_checks.files.view, data_checks.drift; print('great_expectations' in sys.modules)"
    root = Path(__file__).parents[3]
    shown = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "False"
