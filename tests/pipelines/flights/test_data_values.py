"""The whole prepared year: types, sums, and values computed again in plain Python from the CSV files."""

import csv
import io
import zipfile
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.flights.data import prepare
from pipelines.flights.files import parquet_bytes
from pipelines.flights.history import build_nights
from pipelines.flights.sources import load_sources, package_folder

FLIGHTS = 336_776
INSTANT = pa.timestamp("us", "UTC")
SAMPLE = {  # night -> its cut-off
    date(2013, 1, 2): datetime(2013, 1, 1, 23, tzinfo=UTC),
    date(2013, 3, 11): datetime(2013, 3, 10, 22, tzinfo=UTC),
    date(2013, 11, 4): datetime(2013, 11, 3, 23, tzinfo=UTC),
}
WEATHER = {
    "temperature_f": "temp",
    "dew_point_f": "dewp",
    "humidity_percent": "humid",
    "wind_speed_mph": "wind_speed",
    "wind_gust_mph": "wind_gust",
    "precipitation_in": "precip",
    "pressure_mb": "pressure",
    "visibility_mi": "visib",
}


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "flights"
    return folder, prepare(folder)


@pytest.fixture(scope="module")
def ask(year):
    folder, _ = year
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for kind in ("rows", "labels"):
            files = f"read_parquet('{folder}/{kind}/*.parquet', filename = true, file_row_number = true)"
            connection.execute(f"CREATE VIEW {kind} AS SELECT * FROM {files}")
        yield lambda query: connection.sql(query).fetchall()


@pytest.fixture(scope="module")
def records():
    """Every line of flights.csv, by day."""
    by_day = defaultdict(list)
    with zipfile.ZipFile(package_folder() / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        for line in csv.DictReader(io.TextIOWrapper(file, "utf-8")):
            by_day[date(int(line["year"]), int(line["month"]), int(line["day"]))].append(line)
    return by_day


@pytest.fixture(scope="module")
def weather():
    with (package_folder() / "weather.csv").open(encoding="utf-8") as file:
        return [{**line, "at": datetime.fromisoformat(line["time_hour"])} for line in csv.DictReader(file)]


@pytest.fixture(scope="module")
def planes():
    with (package_folder() / "planes.csv").open(encoding="utf-8") as file:
        return {line["tailnum"]: line for line in csv.DictReader(file)}


def was_late(line):
    return line["dep_time"] == "NA" or line["arr_delay"] == "NA" or int(line["arr_delay"]) >= 15


def number(text):
    return None if text == "NA" else float(text)


def sampled(folder, night):
    return pq.read_table(folder / "rows" / f"{night}.parquet").to_pylist()[::23]


def share_late(records, night, days, column, value):
    lines = [
        line
        for ago in range(2, 2 + days)
        for line in records.get(night - timedelta(days=ago), [])
        if line[column] == value
    ]
    return sum(was_late(line) for line in lines) / len(lines) if lines else None


def last_flown(records, night, row):
    for ago in range(2, 30):
        lines = [
            line
            for line in records.get(night - timedelta(days=ago), [])
            if (line["carrier"], int(line["flight"]), line["origin"])
            == (row["carrier"], row["flight_number"], row["origin"])
            and line["dep_time"] != "NA"
            and line["tailnum"] != "NA"
        ]
        if lines:
            return max(lines, key=lambda line: int(line["sched_dep_time"]))["tailnum"]
    return None


def test_every_flight_has_one_row_and_one_label(year, ask):
    _, prepared = year

    assert (prepared.nights, prepared.written, prepared.unchanged) == (365, 730, 0)
    assert (prepared.rows, prepared.first, prepared.last) == (FLIGHTS, "2013-01-01", "2013-12-31")
    assert ask("SELECT count(*), count(DISTINCT flight_id) FROM rows") == [(FLIGHTS, FLIGHTS)]
    assert ask("SELECT count(*), count(DISTINCT flight_id) FROM labels") == [(FLIGHTS, FLIGHTS)]
    assert ask("SELECT count(*) FROM rows JOIN labels USING (flight_id)") == [(FLIGHTS,)]


def test_each_file_holds_its_own_night_in_order(ask):
    elsewhere = "left(flight_id, 10) <> parse_filename(filename, true)"
    order = "PARTITION BY filename ORDER BY scheduled_departure, flight_id"
    misplaced = f"SELECT flight_id FROM rows QUALIFY file_row_number <> row_number() OVER ({order}) - 1"
    same_place = "rows JOIN labels USING (flight_id, file_row_number)"

    assert ask(f"SELECT count(*) FROM rows WHERE {elsewhere}") == [(0,)]
    assert ask(f"SELECT count(*) FROM labels WHERE {elsewhere}") == [(0,)]
    assert ask(misplaced) == []
    assert ask(f"SELECT count(*) FROM {same_place}") == [(FLIGHTS,)]


def test_outcomes_add_up(ask, records):
    outcomes = dict(ask("SELECT outcome, count(*) FROM labels GROUP BY 1"))
    arrived = [int(line["arr_delay"]) for lines in records.values() for line in lines if line["arr_delay"] != "NA"]

    assert outcomes["cancelled"] == 8255
    assert outcomes["diverted"] == 1175
    assert outcomes["late"] == sum(delay >= 15 for delay in arrived)
    assert outcomes["on_time"] == sum(delay < 15 for delay in arrived)
    assert ask("SELECT count(*) FROM labels WHERE (late = 0) <> (outcome = 'on_time') OR late NOT IN (0, 1)") == [(0,)]
    assert ask(
        "SELECT count(*) FROM labels WHERE (arrival_delay_minutes IS NULL) <> (outcome IN ('cancelled', 'diverted'))"
    ) == [(0,)]


def test_columns_have_exactly_the_promised_types(year):
    folder, _ = year
    double, text, whole = pa.float64(), pa.string(), pa.int64()
    rates = [(f"{who}_late_rate_{n}d", double) for who in ("carrier", "origin", "destination") for n in (7, 28)]

    assert pq.read_schema(folder / "rows" / "2013-01-01.parquet") == pa.schema(
        [
            *[("flight_id", text), ("known_at", INSTANT), ("scheduled_departure", INSTANT), ("carrier", text)],
            *[("flight_number", whole), ("origin", text), ("destination", text), ("month", whole), ("weekday", whole)],
            *[("departure_minute", whole), ("arrival_minute", whole), ("distance_miles", double), ("aircraft", text)],
            *[("aircraft_age_years", double), ("aircraft_seats", double), ("aircraft_manufacturer", text)],
            *[("weather_observed_at", INSTANT), *((name, double) for name in WEATHER), *rates],
        ]
    )
    assert pq.read_schema(folder / "labels" / "2013-01-01.parquet") == pa.schema(
        [
            *[("flight_id", text), ("label_arrived_at", INSTANT), ("late", whole), ("outcome", text)],
            ("arrival_delay_minutes", double),
        ]
    )


def test_a_night_of_the_year_is_the_same_as_a_night_made_alone(year):
    folder, _ = year
    for night in build_nights(load_sources(package_folder()), list(SAMPLE)):
        assert (folder / "rows" / f"{night.day}.parquet").read_bytes() == parquet_bytes(night.rows)
        assert (folder / "labels" / f"{night.day}.parquet").read_bytes() == parquet_bytes(night.labels)


def test_departures_are_at_the_instant_that_the_source_gives(ask, records):
    """The source's own UTC hour was not used to make the column, so that it can check it, on all days."""
    expected = Counter(
        datetime.fromisoformat(line["time_hour"]) + timedelta(minutes=int(line["minute"]))
        for lines in records.values()
        for line in lines
    )
    found = dict(ask("SELECT scheduled_departure, count(*) FROM rows GROUP BY 1"))

    assert {instant.astimezone(UTC): count for instant, count in found.items()} == expected


def test_labels_arrive_at_noon_of_the_next_day_in_new_york(year):
    folder, _ = year
    arrivals = {
        night: pq.read_table(folder / "labels" / f"{night}.parquet")["label_arrived_at"].unique().to_pylist()
        for night in ("2013-03-09", "2013-03-10", "2013-11-02", "2013-12-31")
    }

    assert arrivals == {
        "2013-03-09": [datetime(2013, 3, 10, 16, tzinfo=UTC)],
        "2013-03-10": [datetime(2013, 3, 11, 16, tzinfo=UTC)],
        "2013-11-02": [datetime(2013, 11, 3, 17, tzinfo=UTC)],
        "2013-12-31": [datetime(2014, 1, 1, 17, tzinfo=UTC)],
    }


def test_the_first_night_knows_no_past(year):
    folder, _ = year
    first = pq.read_table(folder / "rows" / "2013-01-01.parquet")
    empty = [name for name in first.column_names if first[name].null_count == first.num_rows]

    assert empty == [
        name
        for name in first.column_names
        if name.startswith(("aircraft", "weather")) or name in WEATHER or "rate" in name
    ]


@pytest.mark.parametrize("night", SAMPLE, ids=str)
def test_timetable_columns_say_what_the_csv_says(year, records, night):
    folder, _ = year
    lines = {
        f"{night}-{r['carrier']}-{r['flight']}-{r['origin']}-{int(r['sched_dep_time']):04d}": r for r in records[night]
    }
    for row in sampled(folder, night):
        line = lines[row["flight_id"]]
        departure, arrival = int(line["sched_dep_time"]), int(line["sched_arr_time"])
        assert row["known_at"] == SAMPLE[night]
        assert (row["carrier"], row["origin"], row["destination"]) == (line["carrier"], line["origin"], line["dest"])
        assert (row["flight_number"], row["distance_miles"]) == (int(line["flight"]), float(line["distance"]))
        assert (row["month"], row["weekday"]) == (night.month, night.isoweekday())
        assert row["departure_minute"] == departure // 100 * 60 + departure % 100
        assert row["arrival_minute"] == arrival // 100 * 60 + arrival % 100


@pytest.mark.parametrize("night", SAMPLE, ids=str)
def test_weather_is_the_last_hour_over_by_the_cut_off(year, weather, night):
    folder, _ = year
    for row in sampled(folder, night):
        over = [w for w in weather if w["origin"] == row["origin"] and w["at"] + timedelta(hours=1) <= SAMPLE[night]]
        last = max(over, key=lambda w: w["at"])
        assert row["weather_observed_at"] == last["at"]
        assert {ours: row[ours] for ours in WEATHER} == {ours: number(last[name]) for ours, name in WEATHER.items()}


@pytest.mark.parametrize("night", SAMPLE, ids=str)
def test_late_rates_count_the_records_that_had_arrived(year, records, night):
    folder, _ = year
    for row in sampled(folder, night):
        for who, column in (("carrier", "carrier"), ("origin", "origin"), ("destination", "dest")):
            for days in (7, 28):
                assert row[f"{who}_late_rate_{days}d"] == share_late(records, night, days, column, row[who])


@pytest.mark.parametrize("night", SAMPLE, ids=str)
def test_aircraft_is_the_one_that_last_flew(year, records, planes, night):
    folder, _ = year
    known = 0
    for row in sampled(folder, night):
        tail = last_flown(records, night, row)
        plane = planes.get(tail or "", {"year": "NA", "seats": "NA", "manufacturer": None})
        built = number(plane["year"])
        assert row["aircraft"] == tail
        assert row["aircraft_age_years"] == (None if built is None else 2013 - built)
        assert (row["aircraft_seats"], row["aircraft_manufacturer"]) == (number(plane["seats"]), plane["manufacturer"])
        known += tail is not None

    assert (known > 0) is (night > date(2013, 1, 2))
