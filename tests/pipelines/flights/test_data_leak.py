"""No row holds anything from after its cut-off: change the future, and the row files stay the same to the byte.

The cut-offs are written out here by hand, so that this does not lean on the clock that it checks.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from pipelines.flights.files import parquet_bytes
from pipelines.flights.history import build_nights
from pipelines.flights.sources import load_sources, package_folder

# 18:00 in New York on the evening before: 23:00 UTC in winter, 22:00 UTC in summer.
CUT_OFFS = {
    date(2013, 1, 1): datetime(2012, 12, 31, 23, tzinfo=UTC),
    date(2013, 1, 3): datetime(2013, 1, 2, 23, tzinfo=UTC),
    date(2013, 2, 9): datetime(2013, 2, 8, 23, tzinfo=UTC),
    date(2013, 3, 10): datetime(2013, 3, 9, 23, tzinfo=UTC),
    date(2013, 3, 11): datetime(2013, 3, 10, 22, tzinfo=UTC),
    date(2013, 7, 15): datetime(2013, 7, 14, 22, tzinfo=UTC),
    date(2013, 11, 3): datetime(2013, 11, 2, 22, tzinfo=UTC),
    date(2013, 11, 4): datetime(2013, 11, 3, 23, tzinfo=UTC),
    date(2013, 12, 31): datetime(2013, 12, 30, 23, tzinfo=UTC),
}
LATER_NIGHTS = [night for night in CUT_OFFS if night > date(2013, 2, 1)]

ALL_CANCELLED = "NULL::BIGINT AS dep_time, NULL::DOUBLE AS arr_delay, NULL::VARCHAR AS tailnum"
ALL_LATE = "1::BIGINT AS dep_time, 9999::DOUBLE AS arr_delay, 'N-WRONG' AS tailnum"
NO_AIRCRAFT = "'N-WRONG' AS tailnum"
ANOTHER_PLAN = "'??' AS dest, 1::DOUBLE AS distance, 1::BIGINT AS sched_arr_time"

DAY = "make_date(year, month, day)"


@pytest.fixture(scope="module")
def sources():
    return load_sources(package_folder())


@pytest.fixture(scope="module")
def honest(sources):
    return {night.day: parquet_bytes(night.rows) for night in build_nights(sources, list(CUT_OFFS))}


def altered(table, where, replacements):
    """Give the rows of a table that meet a condition other values; the others stay as they are."""
    with duckdb.connect() as connection:
        connection.register("source", table)
        changed = connection.sql(f"SELECT * REPLACE ({replacements}) FROM source WHERE {where}").to_arrow_table()
        others = connection.sql(f"SELECT * FROM source WHERE NOT ({where})").to_arrow_table()
    assert changed.num_rows > 0, "nothing was altered: the test would prove nothing"
    return pa.concat_tables([others, changed.cast(others.schema)]).cast(table.schema)


def weather_altered(sources, where):
    absurd = ("temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    return altered(sources.weather, where, ", ".join(f"999::DOUBLE AS {name}" for name in absurd))


def rows_file(sources, night):
    (built,) = build_nights(sources, [night])
    return parquet_bytes(built.rows)


@pytest.mark.parametrize("fate", [ALL_CANCELLED, ALL_LATE], ids=["all cancelled", "all late"])
@pytest.mark.parametrize("night", CUT_OFFS, ids=str)
def test_what_comes_after_the_cut_off_changes_no_row(sources, honest, night, fate):
    """Weather is labelled by the hour in which it is measured, so the hour that begins at the cut-off is after it."""
    flights = altered(sources.flights, f"{DAY} >= DATE '{night - timedelta(days=1)}'", fate)
    if night < date(2013, 12, 31):
        flights = altered(flights, f"{DAY} > DATE '{night}'", ANOTHER_PLAN)
    last_hour_known = CUT_OFFS[night] - timedelta(hours=1)
    weather = weather_altered(sources, f"time_hour > TIMESTAMP '{last_hour_known:%Y-%m-%d %H:%M}'")

    assert rows_file(replace(sources, flights=flights, weather=weather), night) == honest[night]


@pytest.mark.parametrize("night", LATER_NIGHTS, ids=str)
def test_the_last_weather_before_the_cut_off_changes_rows(sources, honest, night):
    last_hour_known = CUT_OFFS[night] - timedelta(hours=1)
    weather = weather_altered(sources, f"time_hour = TIMESTAMP '{last_hour_known:%Y-%m-%d %H:%M}'")

    assert rows_file(replace(sources, weather=weather), night) != honest[night]


@pytest.mark.parametrize("fate", [ALL_CANCELLED, ALL_LATE, NO_AIRCRAFT], ids=["cancelled", "late", "aircraft"])
def test_the_last_records_before_the_cut_off_change_rows(sources, honest, fate):
    night = date(2013, 7, 15)
    flights = altered(sources.flights, f"{DAY} = DATE '{night - timedelta(days=2)}'", fate)

    assert rows_file(replace(sources, flights=flights), night) != honest[night]


@pytest.mark.parametrize(("days_ago", "matters"), [(29, True), (30, False)])
def test_records_count_for_28_days(sources, honest, days_ago, matters):
    night = date(2013, 7, 15)
    flights = altered(sources.flights, f"{DAY} = DATE '{night - timedelta(days=days_ago)}'", ALL_LATE)

    assert (rows_file(replace(sources, flights=flights), night) != honest[night]) is matters


def test_a_nights_file_does_not_depend_on_the_order_of_the_sources(sources, honest):
    night = date(2013, 3, 11)
    with duckdb.connect() as connection:
        connection.register("source", sources.flights)
        flights = connection.sql("SELECT * FROM source ORDER BY hash(flight, day, month, origin)").to_arrow_table()

    assert rows_file(replace(sources, flights=flights.cast(sources.flights.schema)), night) == honest[night]
