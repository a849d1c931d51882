"""Delivering the nights of a replay: each when its time has come, whole, and once."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.engine.errors import RowsMissing
from pipelines.engine.replay import begin
from pipelines.engine.replaying import Delivery, Folders, deliveries, due_until
from pipelines.engine.storage.location import here
from pipelines.flights import flights
from pipelines.flights.live import recording

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC).timestamp()
ZONE = ZoneInfo("America/New_York")
REPLAY = begin(recording, "flights", now=NOW, speed=600.0)


def local(*when: int) -> float:
    return datetime(*when, tzinfo=ZONE).timestamp()


@pytest.fixture
def data(tmp_path):
    """Two recorded nights."""
    for kind in ("rows", "labels"):
        (tmp_path / kind).mkdir()
        for night in ("2013-11-22", "2013-11-23"):
            pq.write_table(pa.table({"flight_id": [f"{night}-UA-1-EWR-0515"]}), tmp_path / kind / f"{night}.parquet")
    return tmp_path


@pytest.fixture
def folders(data):
    return Folders(here(data), flights, REPLAY)


def silent(done: int, total: int, what: str) -> None:
    pass


def test_rows_come_in_the_evening_and_labels_at_noon_of_the_day_after():
    times = {(one.kind, one.night): one.at for one in deliveries(recording, REPLAY)}
    assert times["rows", "2026-11-21"] == local(2026, 11, 20, 18)
    assert times["labels", "2026-11-21"] == local(2026, 11, 22, 12)
    assert len(times) == 2 * 365


def test_what_is_due_is_what_has_come_and_nobody_holds_back():
    plan = deliveries(recording, REPLAY)
    evening = local(2026, 11, 20, 18)
    due = list(due_until(plan, evening, {}))
    assert Delivery("rows", "2026-11-21", evening) in due
    assert Delivery("rows", "2026-11-21", evening) not in due_until(plan, evening - 1, {})
    assert [*due_until(plan, evening, {"2026-11-21": ("rows",)})] == due[:-1]


def test_a_night_is_delivered_once_and_as_its_new_night(folders, data):
    due = [Delivery(kind, night, NOW) for night in ("2026-11-20", "2026-11-21") for kind in ("rows", "labels")]
    assert folders.deliver(due, silent) == due
    assert folders.deliver(due, silent) == []
    assert pq.read_table(data / "rows/2026-11-21.parquet").to_pydict() == {"flight_id": ["2026-11-21-UA-1-EWR-0515"]}
    assert sorted(path.name for path in (data / "rows").iterdir()) == [
        "2013-11-22.parquet",
        "2013-11-23.parquet",
        "2026-11-20.parquet",
        "2026-11-21.parquet",
    ]


def test_a_recorded_night_that_is_gone_is_said(folders, data):
    with pytest.raises(RowsMissing, match=r"2013-11-24.* is gone.*nightshift data flights"):
        folders.deliver([Delivery("rows", "2026-11-22", NOW)], silent)


def test_withdrawing_a_replay_leaves_the_recording(folders, data):
    folders.deliver([Delivery("rows", "2026-11-20", NOW), Delivery("labels", "2026-11-20", NOW)], silent)
    before = {path.name for path in (data / "rows").iterdir()} - {"2026-11-20.parquet"}
    assert folders.withdraw() == 2
    assert {path.name for path in (data / "rows").iterdir()} == before
