"""Data that a stranger might bring: three tables of some nights, each with something to learn from."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

FIRST = date(2026, 3, 2)
NIGHTS = 16
PER_NIGHT = 120
LAST = str(FIRST + timedelta(days=NIGHTS - 1))


def visits() -> pd.DataFrame:
    """Patients and whether they came back: a label of words, gaps, postcodes, free text, and the same patients each day."""
    chance = np.random.default_rng(11)
    days = np.repeat([str(FIRST + timedelta(days=day)) for day in range(NIGHTS)], PER_NIGHT)
    rows = len(days)
    frame = pd.DataFrame(
        {
            "patient": np.tile(np.arange(1000, 1000 + PER_NIGHT), NIGHTS),
            "day": days,
            "clinic": chance.choice(["harbour", "north", "south"], rows),
            "postcode": chance.choice(["00501", "10001", "94107"], rows),
            "age": chance.integers(1, 95, rows),
            "waited minutes": chance.gamma(3.0, 10.0, rows).round(1),
            "weight": np.where(chance.random(rows) < 0.2, np.nan, chance.normal(70, 12, rows).round(1)),
            "note": [f"note {number:x}" for number in chance.integers(0, 10**12, rows)],
        }
    )
    risk = 0.05 + 0.009 * frame["waited minutes"] + 0.3 * (frame["clinic"] == "harbour")
    return frame.assign(outcome=np.where(chance.random(rows) < risk, "came back", "stayed away"))


def rentals() -> pd.DataFrame:
    """Shops and how much they let: an amount, in whole numbers, explained by the weather and the shop."""
    chance = np.random.default_rng(12)
    days = np.repeat([str(FIRST + timedelta(days=day)) for day in range(NIGHTS)], PER_NIGHT)
    rows = len(days)
    frame = pd.DataFrame(
        {
            "shop": [f"shop-{number:03}" for number in np.tile(np.arange(PER_NIGHT), NIGHTS)],
            "day": days,
            "town": np.resize(["Ghent", "Graz", "Gdansk"], rows),
            "temperature": chance.normal(15, 8, rows).round(1),
            "is_holiday": chance.integers(0, 2, rows),
        }
    )
    expected = 20 + 1.5 * frame["temperature"] + 15 * frame["is_holiday"]
    return frame.assign(bikes=np.maximum(0, chance.normal(expected, 4)).round())


def leaves() -> pd.DataFrame:
    """Leaves and their species: three classes, measured at some time of a day."""
    chance = np.random.default_rng(13)
    rows = NIGHTS * PER_NIGHT
    species = chance.choice(["ash", "elm", "oak"], rows, p=[0.5, 0.3, 0.2])
    size = np.select([species == "ash", species == "elm"], [4.0, 7.0], 10.0)
    start = pd.Timestamp(FIRST, tz="UTC")
    return pd.DataFrame(
        {
            "leaf_id": np.arange(rows),
            "measured_at": [
                start + pd.Timedelta(days=row // PER_NIGHT, minutes=row % PER_NIGHT) for row in range(rows)
            ],
            "length_cm": chance.normal(size, 1.0).round(2),
            "width_cm": chance.normal(size / 2, 0.8).round(2),
            "is_wet": chance.random(rows) < 0.3,
            "species": species,
        }
    )


def write_visits(folder: Path) -> Path:
    """Write the visits as a CSV file."""
    visits().to_csv(folder / "visits.csv", index=False)
    return folder / "visits.csv"


def write_leaves(folder: Path) -> Path:
    """Write the leaves as a folder of Parquet files."""
    (folder / "leaves").mkdir()
    frame = leaves()
    for number in range(2):
        frame[number::2].to_parquet(folder / f"leaves/{number}.parquet", index=False)
    return folder / "leaves"


def write_rentals(folder: Path) -> str:
    """Write the rentals into a SQLite database, and return its URL."""
    url = f"sqlite:///{folder / 'shops.db'}"
    engine = sa.create_engine(url)
    rentals().to_sql("rentals", engine, index=False)
    engine.dispose()
    return url
