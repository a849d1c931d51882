"""From the source tables to each night's rows and labels, without looking ahead.

There is one rule against leaks, and it is written the same way everywhere below: a fact may enter a row only where

    arrived_at <= known_at

`known_at` is the night's cut-off. `arrived_at` is when the fact could first be read:

    what                         arrived_at
    a day's flight records       noon of the day after (so the cut-off of D knows days up to D-2)
    an hour's weather            the end of that hour
    the timetable of the night   always (departure, arrival, carrier, route and distance are planned long before)
    the register of aircraft     always

The tail number and the delays of a flight are part of its record, not of its timetable.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.flights.clock import departure_hours, known_at, records_arrive_at
from pipelines.flights.sources import FlightsSourceError, Sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    import duckdb
    import pyarrow as pa

# Everything the source says of a flight, dated. Minutes count from midnight; 2400 is the midnight that ends the day.
_FLIGHTS = """
CREATE TEMP TABLE dated AS
SELECT
    days.day,
    days.known_at,
    days.records_arrive_at AS arrived_at,
    days.wanted,
    concat_ws('-', strftime(days.day, '%Y-%m-%d'), carrier, flight, origin, format('{:04d}', sched_dep_time))
        AS flight_id,
    clock.instant + to_minutes(sched_dep_time % 100) AS scheduled_departure,
    carrier, flight, origin, dest, distance,
    ((sched_dep_time // 100) * 60 + sched_dep_time % 100) % 1440 AS departure_minute,
    ((sched_arr_time // 100) * 60 + sched_arr_time % 100) % 1440 AS arrival_minute,
    dep_time, arr_delay, tailnum,
FROM flights
JOIN days ON days.day = make_date(flights.year, flights.month, flights.day)
JOIN clock ON clock.day = days.day AND clock.hour = sched_dep_time // 100
WHERE sched_dep_time BETWEEN 0 AND 2400 AND sched_dep_time % 100 < 60
    AND sched_arr_time BETWEEN 0 AND 2400 AND sched_arr_time % 100 < 60
"""

# The timetable: the only view of a flight that its own row may be made from.
_PLAN = """
CREATE TEMP VIEW plan AS
SELECT
    day AS night, known_at, flight_id, scheduled_departure, carrier, flight, origin, dest, distance,
    departure_minute, arrival_minute,
FROM dated
WHERE wanted
"""

# The records: what became of a flight. Never left: cancelled. Left, but no arrival at its destination: diverted.
_RECORDS = """
CREATE TEMP TABLE records AS
SELECT
    day, arrived_at, wanted, flight_id, scheduled_departure, carrier, flight, origin, dest,
    CASE
        WHEN dep_time IS NULL THEN 'cancelled'
        WHEN arr_delay IS NULL THEN 'diverted'
        WHEN arr_delay >= 15 THEN 'late'
        ELSE 'on_time'
    END AS outcome,
    CAST(outcome <> 'on_time' AS BIGINT) AS late,
    CASE WHEN outcome IN ('late', 'on_time') THEN arr_delay END AS arrival_delay_minutes,
    CASE WHEN outcome <> 'cancelled' THEN tailnum END AS flown_by,
FROM dated
"""

# Share of late flights per {key} over the last 7 and 28 days of records that had arrived (days D-8 and D-29 to D-2).
_RATES = """
CREATE TEMP TABLE {key}_rates AS
WITH daily AS (
    SELECT {key} AS name, day, arrived_at, count(*) AS flights, sum(late) AS late FROM records GROUP BY ALL
)
SELECT
    nights.day AS night,
    daily.name,
    sum(late) FILTER (WHERE daily.day >= nights.day - 8)
        / sum(flights) FILTER (WHERE daily.day >= nights.day - 8) AS rate_7d,
    sum(late) / sum(flights) AS rate_28d,
FROM days AS nights
JOIN daily ON daily.arrived_at <= nights.known_at AND daily.day >= nights.day - 29
WHERE nights.wanted
GROUP BY ALL
"""

# Which aircraft last flew a carrier's flight number from an origin, one per day: the last to be scheduled.
_FLOWN = """
CREATE TEMP TABLE flown AS
SELECT carrier, flight, origin, day, arrived_at, flown_by
FROM records
WHERE flown_by IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY carrier, flight, origin, day ORDER BY scheduled_departure DESC, flown_by DESC
) = 1
"""

_AIRCRAFT = """
CREATE TEMP TABLE aircraft AS
SELECT plan.flight_id, flown.flown_by AS tailnum
FROM plan
ASOF JOIN flown
    ON flown.carrier = plan.carrier AND flown.flight = plan.flight AND flown.origin = plan.origin
    AND flown.arrived_at <= plan.known_at
WHERE flown.day >= plan.night - 29
"""

_REGISTER = """
CREATE TEMP TABLE register AS
SELECT tailnum, year, seats, manufacturer
FROM planes
QUALIFY row_number() OVER (PARTITION BY tailnum ORDER BY year, seats, manufacturer) = 1
"""

# The source files an hour's reading under the start of the hour, though it is taken as late as minute 51
# (https://github.com/tidyverse/nycflights13/blob/main/data-raw/weather.R): it is known when the hour is over.
# Should an origin have an hour twice, the same one of the two is taken every time.
_WEATHER = """
CREATE TEMP TABLE observed AS
SELECT *, time_hour + INTERVAL 1 HOUR AS arrived_at
FROM weather
QUALIFY row_number() OVER (
    PARTITION BY origin, time_hour
    ORDER BY temp, dewp, humid, wind_speed, wind_gust, precip, pressure, visib
) = 1
"""

_SKY = """
CREATE TEMP TABLE sky AS
SELECT nights.day AS night, observed.*
FROM (SELECT * FROM days, (SELECT DISTINCT origin FROM plan) WHERE wanted) AS nights
ASOF JOIN observed ON observed.origin = nights.origin AND observed.arrived_at <= nights.known_at
"""

_ROWS = """
SELECT
    plan.night,
    plan.flight_id,
    plan.known_at,
    plan.scheduled_departure,
    plan.carrier,
    plan.flight AS flight_number,
    plan.origin,
    plan.dest AS destination,
    month(plan.night) AS month,
    isodow(plan.night) AS weekday,
    plan.departure_minute,
    plan.arrival_minute,
    plan.distance AS distance_miles,
    aircraft.tailnum AS aircraft,
    year(plan.night) - register.year AS aircraft_age_years,
    register.seats AS aircraft_seats,
    register.manufacturer AS aircraft_manufacturer,
    sky.time_hour AS weather_observed_at,
    sky.temp AS temperature_f,
    sky.dewp AS dew_point_f,
    sky.humid AS humidity_percent,
    sky.wind_speed AS wind_speed_mph,
    sky.wind_gust AS wind_gust_mph,
    sky.precip AS precipitation_in,
    sky.pressure AS pressure_mb,
    sky.visib AS visibility_mi,
    carrier_rates.rate_7d AS carrier_late_rate_7d,
    carrier_rates.rate_28d AS carrier_late_rate_28d,
    origin_rates.rate_7d AS origin_late_rate_7d,
    origin_rates.rate_28d AS origin_late_rate_28d,
    dest_rates.rate_7d AS destination_late_rate_7d,
    dest_rates.rate_28d AS destination_late_rate_28d,
FROM plan
LEFT JOIN aircraft ON aircraft.flight_id = plan.flight_id
LEFT JOIN register ON register.tailnum = aircraft.tailnum
LEFT JOIN sky ON sky.night = plan.night AND sky.origin = plan.origin
LEFT JOIN carrier_rates ON carrier_rates.night = plan.night AND carrier_rates.name = plan.carrier
LEFT JOIN origin_rates ON origin_rates.night = plan.night AND origin_rates.name = plan.origin
LEFT JOIN dest_rates ON dest_rates.night = plan.night AND dest_rates.name = plan.dest
ORDER BY plan.night, plan.scheduled_departure, plan.flight_id
"""

_LABELS = """
SELECT day AS night, flight_id, arrived_at AS label_arrived_at, late, outcome, arrival_delay_minutes,
FROM records
WHERE wanted
ORDER BY night, scheduled_departure, flight_id
"""

_TABLES = (
    _FLIGHTS,
    _PLAN,
    _RECORDS,
    *(_RATES.format(key=key) for key in ("carrier", "origin", "dest")),
    _FLOWN,
    _AIRCRAFT,
    _REGISTER,
    _WEATHER,
    _SKY,
)

ROW_COLUMNS = {
    "flight_id": "string",
    "known_at": "timestamp",
    "scheduled_departure": "timestamp",
    "carrier": "string",
    "flight_number": "int64",
    "origin": "string",
    "destination": "string",
    **dict.fromkeys(("month", "weekday", "departure_minute", "arrival_minute"), "int64"),
    "distance_miles": "double",
    "aircraft": "string",
    **dict.fromkeys(("aircraft_age_years", "aircraft_seats"), "double"),
    "aircraft_manufacturer": "string",
    "weather_observed_at": "timestamp",
    **dict.fromkeys(("temperature_f", "dew_point_f", "humidity_percent"), "double"),
    **dict.fromkeys(("wind_speed_mph", "wind_gust_mph"), "double"),
    **dict.fromkeys(("precipitation_in", "pressure_mb", "visibility_mi"), "double"),
    **{f"{who}_late_rate_{days}d": "double" for who in ("carrier", "origin", "destination") for days in (7, 28)},
}

LABEL_COLUMNS = {
    "flight_id": "string",
    "label_arrived_at": "timestamp",
    "late": "int64",
    "outcome": "string",
    "arrival_delay_minutes": "double",
}


@dataclass(frozen=True)
class Night:
    """One night's tables, sorted by scheduled departure and flight id.

    Attributes:
        day: The local day on which the flights are scheduled to depart.
        rows: One row per flight, holding what is known at the cut-off.
        labels: One row per flight, holding what became of it.
    """

    day: date
    rows: pa.Table
    labels: pa.Table


def build_nights(sources: Sources, nights: Sequence[date] | None = None) -> Iterator[Night]:
    """Make the rows and labels of the given nights, or of every day that has a flight, in order of day.

    The tables of a night depend on the sources alone, not on which other nights are made with it.

    Raises:
        FlightsSourceError: The sources hold a value that no flight can have, such as a month 13.
    """
    import duckdb

    with duckdb.connect(config=_settings()) as connection:
        try:
            days = _give_inputs(connection, sources, nights)
            for statement in _TABLES:
                connection.execute(statement)
            _require_every_flight_once(connection)
            rows = _table(connection, _ROWS, ROW_COLUMNS)
            labels = _table(connection, _LABELS, LABEL_COLUMNS)
        except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
            reason = str(error).splitlines()[0]
            raise FlightsSourceError(f"The flights source holds a value that no flight can have: {reason}") from error
    yield from _split(days, rows, labels)


def _settings() -> dict[str, str | bool | int | float | list[str]]:
    """Two threads, no file beside the data, and nothing fetched from anywhere."""
    return {
        "threads": 2,
        "temp_directory": "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


def _give_inputs(
    connection: duckdb.DuckDBPyConnection, sources: Sources, nights: Sequence[date] | None
) -> dict[date, int]:
    """Give the connection its inputs; return the wanted nights with their number of flights, in order."""
    for name in ("flights", "weather", "planes"):
        connection.register(name, getattr(sources, name))
    counted = connection.execute(
        "SELECT make_date(year, month, day) AS day, count(*) FROM flights GROUP BY 1 ORDER BY 1"
    ).fetchall()
    days = dict(counted)
    wanted = {day: count for day, count in days.items() if nights is None or day in nights}
    connection.register("days", _days(list(days), wanted))
    connection.register("clock", _clock(list(days)))
    return wanted


def _days(days: Sequence[date], wanted: dict[date, int]) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "day": pa.array(days, pa.date32()),
            "known_at": _instants([known_at(day) for day in days]),
            "records_arrive_at": _instants([records_arrive_at(day) for day in days]),
            "wanted": pa.array([day in wanted for day in days], pa.bool_()),
        }
    )


def _clock(days: Sequence[date]) -> pa.Table:
    import pyarrow as pa

    hours = [(day, hour, instant) for day in days for hour, instant in departure_hours(day)]
    return pa.table(
        {
            "day": pa.array([day for day, _, _ in hours], pa.date32()),
            "hour": pa.array([hour for _, hour, _ in hours], pa.int64()),
            "instant": _instants([instant for _, _, instant in hours]),
        }
    )


def _instants(instants: Sequence[datetime]) -> pa.Array:
    import pyarrow as pa

    return pa.array(instants, pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))


def _table(connection: duckdb.DuckDBPyConnection, query: str, columns: dict[str, str]) -> pa.Table:
    """Run a query and give its columns exactly the declared names, order and types."""
    import pyarrow as pa

    types = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "timestamp": pa.timestamp("us", "UTC")}
    table = connection.sql(query).to_arrow_table()
    return table.select(list(columns)).cast(pa.schema([(name, types[kind]) for name, kind in columns.items()]))


def _require_every_flight_once(connection: duckdb.DuckDBPyConnection) -> None:
    flights, dated, distinct = connection.execute(
        "SELECT (SELECT count(*) FROM flights), count(*), count(DISTINCT flight_id) FROM dated"
    ).fetchall()[0]
    if dated != flights:
        raise FlightsSourceError(
            "The flights source expects times of day (hhmm, 0000 to 2400) as scheduled departure and arrival, "
            f"but {flights - dated} of {flights} flights have other numbers."
        )
    if distinct != dated:
        raise FlightsSourceError(
            f"The flights source expects one flight per day, carrier, number, origin and scheduled departure, "
            f"but {dated - distinct} of {dated} flights are repeated."
        )


def _split(days: dict[date, int], rows: pa.Table, labels: pa.Table) -> Iterator[Night]:
    """Cut the tables into nights, each in one chunk: a night's file must not depend on how the whole was chunked."""
    ends = [0]
    for count in days.values():
        ends.append(ends[-1] + count)
    for day, (start, end) in zip(days, pairwise(ends), strict=True):
        yield Night(
            day=day,
            rows=rows.slice(start, end - start).combine_chunks(),
            labels=labels.slice(start, end - start).combine_chunks(),
        )
