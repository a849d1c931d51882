"""The example of classes: each digit is dealt to one night, once."""

import pyarrow.parquet as pq

from pipelines.digits import NIGHTS, digits, prepare
from pipelines.engine.rows import inspect_files
from pipelines.engine.storage import here


def nothing(done, total, what):
    pass


def test_every_digit_is_dealt_once(tmp_path):
    made = prepare(tmp_path, progress=nothing)
    assert (made.nights, made.written, made.rows) == (60, 120, 1797)
    for kind, side in (("rows", digits.rows), ("labels", digits.labels)):
        files = inspect_files([here(tmp_path / kind / f"{night}.parquet") for night in NIGHTS], side.columns)
        assert sum(file.rows for file in files) == 1797
    named = [pq.read_table(tmp_path / kind / f"{NIGHTS[7]}.parquet")["digit_id"] for kind in ("rows", "labels")]
    assert named[0] == named[1]


def test_a_second_time_writes_nothing(tmp_path):
    prepare(tmp_path, progress=nothing)
    again = prepare(tmp_path, progress=nothing)
    assert (again.written, again.unchanged) == (0, 120)
