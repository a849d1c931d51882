"""The example of a number from a table: what its database holds."""

import sqlite3

from pipelines.engine.pipeline import Prepared
from pipelines.weather import weather
from pipelines.weather.data import prepare


def nothing(done, total, what):
    pass


def test_a_label_is_the_temperature_of_the_same_hour_a_day_later(tmp_path):
    made = prepare(tmp_path, progress=nothing)
    assert made == Prepared(364, 0, 0, 26_112, "2013-01-02", "2013-12-31")
    database = sqlite3.connect(tmp_path / "weather.db")
    (joined,) = database.execute(
        "SELECT count(*) FROM next_days JOIN measurements AS now USING (measurement_id) JOIN measurements AS later "
        "ON later.airport = now.airport AND later.hour = now.hour AND date(later.night) = date(now.night, '+1 day') "
        "WHERE next_days.night = now.night AND next_day_f = later.temperature_f"
    ).fetchone()
    (labels,) = database.execute("SELECT count(*) FROM next_days").fetchone()
    assert joined == labels > 25_000


def test_a_night_has_the_measurements_of_the_day_before(tmp_path):
    prepare(tmp_path, progress=nothing)
    database = sqlite3.connect(tmp_path / "weather.db")
    found = database.execute("SELECT min(measured_at), max(measured_at) FROM measurements WHERE night = '2013-07-04'")
    assert found.fetchone() == ("2013-07-03T04:00:00Z", "2013-07-04T03:00:00Z")


def test_a_database_that_is_there_is_left_alone(tmp_path):
    prepare(tmp_path, progress=nothing)
    before = (tmp_path / "weather.db").stat()
    prepare(tmp_path, progress=nothing)
    assert (tmp_path / "weather.db").stat() == before


def test_the_declared_columns_are_those_of_the_tables(tmp_path):
    prepare(tmp_path, progress=nothing)
    database = sqlite3.connect(tmp_path / "weather.db")
    for side in (weather.rows, weather.labels):
        columns = {row[1] for row in database.execute(f"PRAGMA table_info({side.source.table})")}
        assert columns == {*side.columns, side.source.night}
