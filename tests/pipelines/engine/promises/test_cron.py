"""What is counted here is what croniter finds, and what is not counted is left to it."""

from datetime import datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.promises.cron import following, open_cron

COUNTED = ["0 2 * * *", "30 1,13 * * *", "0,30 22-2 * * *", "0 4 * * MON", "15 6 * * 1-5", "5 0 * * 0,6", "0 12 * * SUN", "@daily"]  # fmt: skip
LEFT = [
    "0 * * * *",
    "0 0 1 * *",
    "0 2 * * MON#2",
    "0 2 * * L5",
    "0 2 L * *",
    "0 2 1 * MON",
    "@quarterly",
    "0 2 * * * 30",
]

FIRST, LAST = datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2030-01-01")  # by a clock on some wall


@given(schedule=st.sampled_from(COUNTED + LEFT), start=st.datetimes(FIRST, LAST))
def test_next_ten_times_are_croniters(schedule, start):
    ours, theirs = following(schedule), open_cron(schedule)
    at = start
    for _ in range(10):
        theirs.set_current(at, force=True)
        found = ours(at)
        at = theirs.get_next(datetime)
        assert found == at


@pytest.mark.parametrize("schedule", COUNTED)
def test_a_schedule_of_times_and_weekdays_is_counted_without_croniter(schedule, monkeypatch):
    after = following(schedule)
    monkeypatch.setattr(croniter, "get_next", lambda *_: pytest.fail("croniter was asked"))
    start = datetime.fromisoformat("2026-11-20T12:00")
    assert start < after(start) <= start + timedelta(days=7)
