"""The thirteen checks of the validation study in pandera, on pandas: `python -m benchmarks.subjects.pandera_checks FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

AIRPORTS = ("EWR", "JFK", "LGA")
CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")
KEY = ["flight_id", "scheduled_departure"]

SCHEMA = pa.DataFrameSchema(
    {
        "flight_id": pa.Column(str, pa.Check.str_matches(r"^\d{4}-\d{2}-\d{2}"), nullable=False),
        "known_at": pa.Column(nullable=False),
        "scheduled_departure": pa.Column(nullable=False),
        "carrier": pa.Column(str, pa.Check.isin(CARRIERS), nullable=True),
        "origin": pa.Column(str, pa.Check.isin(AIRPORTS), nullable=True),
        "departure_minute": pa.Column(int, pa.Check.in_range(0, 1439)),
        "arrival_minute": pa.Column(int, pa.Check.in_range(0, 1439)),
        "distance_miles": pa.Column(float, pa.Check.in_range(0, 6000), nullable=True),
        "humidity_percent": pa.Column(float, pa.Check.in_range(0, 100), nullable=True),
    },
    checks=[
        pa.Check(lambda frame: frame["scheduled_departure"] > frame["known_at"]),
        pa.Check(lambda frame: len(frame) > 0),
    ],
    unique=KEY,
)


def main(folder: Path) -> None:
    """Read the columns that are checked, and check all of them."""
    frame = pd.read_parquet(folder / "rows.parquet", columns=list(SCHEMA.columns))
    SCHEMA.validate(frame, lazy=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
