"""The thirteen checks of `benchmarks.validation` in pandera, on pandas: `python -m benchmarks.subjects.pandera_checks FOLDER`.

It prints, as the others do, one line of JSON with the number of rows that failed each of the first twelve.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

KNOWN = ("flight_id", "carrier", "scheduled_departure")
RANGES = {
    "distance_miles": (50, 6000),
    "departure_minute": (0, 1439),
    "temperature_f": (-40, 130),
    "wind_speed_mph": (0, 150),
}
SETS = {"origin": ["EWR", "JFK", "LGA"], "weekday": [1, 2, 3, 4, 5, 6, 7]}
FORM = "^[A-Z]{3}$"
UNIQUE = ["flight_id", "scheduled_departure"]
MOST_ROWS = 10**9

SCHEMA = pa.DataFrameSchema(
    {
        **{name: pa.Column(nullable=False) for name in KNOWN},
        **{name: pa.Column(checks=pa.Check.in_range(*bounds), nullable=True) for name, bounds in RANGES.items()},
        **{name: pa.Column(checks=pa.Check.isin(values), nullable=True) for name, values in SETS.items()},
        "destination": pa.Column(checks=pa.Check.str_matches(FORM), nullable=True),
        "known_at": pa.Column(nullable=True),
    },
    checks=[
        pa.Check(lambda rows: rows["scheduled_departure"] > rows["known_at"], name="pair"),
        pa.Check(lambda rows: 1 <= len(rows) <= MOST_ROWS, name="rows"),
    ],
    unique=UNIQUE,
)


def main(folder: Path) -> None:
    """Read the columns that are checked, check all of them, and say how many rows failed each check."""
    frame = pd.read_parquet(folder / "rows.parquet", columns=list(SCHEMA.columns))
    failed: dict[str, int] = {}
    try:
        SCHEMA.validate(frame, lazy=True)
    except SchemaErrors as errors:
        failed = _failed(errors.failure_cases)
    order = (*KNOWN, *RANGES, *SETS, "destination", "pair", "unique")
    print(json.dumps({"counts": [failed.get(name, 0) for name in order]}))  # noqa: T201


def _failed(cases: pd.DataFrame) -> dict[str, int]:
    """Return the number of rows by column, or by the name of the check where that looks at several columns."""
    counts: dict[str, int] = {}
    for (context, column, check), found in cases.groupby(["schema_context", "column", "check"], dropna=False):
        name = str(column) if context == "Column" else str(check)
        name = "unique" if "unique" in str(check) else name
        counts[name] = counts.get(name, 0) + int(found["index"].nunique())
    return counts


if __name__ == "__main__":
    main(Path(sys.argv[1]))
