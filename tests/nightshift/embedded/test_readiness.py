from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nightshift.embedded.readiness import dag_files, not_healthy, unread
from nightshift.embedded.records import Dag, ImportProblem, backfill_range, log_text

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
HEALTHY = {"metadatabase": "healthy", "scheduler": "healthy", "dag_processor": "healthy", "triggerer": "healthy"}


def dag(file: str, parsed_at: datetime | None) -> Dag:
    return Dag(dag_id=file, file=file, paused=False, parsed_at=parsed_at, partitioned=False)


def test_everything_is_missing_while_nobody_answers():
    assert not_healthy(None) == ["metadatabase", "scheduler", "dag-processor", "triggerer"]


def test_nothing_is_missing_when_all_say_healthy():
    assert not_healthy(HEALTHY) == []


def test_a_component_that_never_beat_is_missing():
    assert not_healthy(HEALTHY | {"triggerer": None}) == ["triggerer"]


def test_a_file_is_read_once_it_gave_a_dag_or_an_error_in_this_life():
    later, before = START + timedelta(seconds=5), START - timedelta(days=1)
    dags = [dag("new.py", later), dag("old.py", before), dag("never.py", None)]
    problems = [ImportProblem("/clone/dags/broken.py", "boom", later), ImportProblem("stale.py", "boom", before)]
    files = {"new.py", "old.py", "never.py", "broken.py", "stale.py"}
    assert unread(files, dags, problems, START) == {"old.py", "never.py", "stale.py"}


def test_dag_files_are_python_files_at_any_depth(tmp_path):
    for name in ("a.py", "sub/b.py", "__pycache__/c.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert dag_files(tmp_path) == {"a.py", "sub/b.py"}


def test_no_dag_folder_is_no_files(tmp_path):
    assert dag_files(tmp_path / "none") == set()


@pytest.mark.parametrize("hour", [0, 2, 23])
def test_a_backfill_range_holds_exactly_its_nights_also_across_the_clock_change(hour):
    first, last = date(2013, 11, 1), date(2013, 11, 4)
    start, end = backfill_range(first, last, NEW_YORK)
    days = [date(2013, 10, 30) + timedelta(days=n) for n in range(8)]
    ticks = [datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK) for day in days]
    inside = [tick.date() for tick in ticks if start.astimezone(UTC) < tick.astimezone(UTC) <= end.astimezone(UTC)]
    assert inside == [date(2013, 11, n) for n in (1, 2, 3, 4)]


def test_a_log_reads_as_lines():
    content = [{"event": "plain"}, {"timestamp": "T", "level": "info", "event": "read", "rows": 3, "task_id": "x"}]
    assert log_text({"content": content}) == "plain\nT info read rows=3"


def test_the_reason_of_an_import_error_is_its_last_line():
    assert ImportProblem("x.py", "Traceback:\n  a\nKeyError: 'b'\n", None).reason == "KeyError: 'b'"
