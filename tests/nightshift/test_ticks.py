"""Our reading of a schedule is Airflow's: the watch must expect a run exactly when the scheduler would start it."""

from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.sdk import CronPartitionTimetable
from airflow.serialization.encoders import coerce_to_core_timetable

from pipelines.engine.promises.schedule import ticks
from pipelines.engine.promises.values import Declaration

ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
CRONS = ["0 2 * * *", "30 1 * * *", "30 2 * * *", "0 4 * * MON", "15 */6 * * *", "0 0 1 * *", "30 * * * *", "@daily"]
CHANGES = [datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 4, 5, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)]


def airflow_ticks(cron: str, zone: str, first: datetime, last: datetime) -> list[float]:
    timetable = coerce_to_core_timetable(CronPartitionTimetable(cron, timezone=zone, run_offset=0))
    found, at = [], timetable._get_next(first - timedelta(seconds=1))
    while at <= last:
        found.append(at.timestamp())
        at = timetable._get_next(at)
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", CRONS)
@pytest.mark.parametrize("day", CHANGES)
def test_ticks_are_airflows_on_days_when_clocks_change(cron, zone, day):
    first, last = pendulum.instance(day - timedelta(days=9)), pendulum.instance(day + timedelta(days=9))
    declaration = Declaration("tides_scoring", schedule=cron, timezone=zone)
    assert ticks(declaration, first.timestamp(), last.timestamp()) == airflow_ticks(cron, zone, first, last)
