"""Thirteen expectations on a file: as Nightshift checks it, as hand-written SQL, and as Great Expectations on pandas.

    python -m benchmarks.validation prepare FOLDER ROWS
    python -m benchmarks.validation {ours,sql,pandas} FOLDER

Each subject is a process of its own. It prints one line of JSON: CPU seconds of reading and validating without imports,
peak memory of the process in MB, and how many rows failed each expectation, which must be the same for all three.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

    from data_checks import CheckResult, SuiteContext

FILE = "rows.parquet"
KNOWN = ("flight_id", "carrier", "scheduled_departure")
RANGES = {
    "distance_miles": (50, 6000),
    "departure_minute": (0, 1439),
    "temperature_f": (-40, 130),
    "wind_speed_mph": (0, 150),
}
SETS: dict[str, list[Any]] = {"origin": ["EWR", "JFK", "LGA"], "weekday": [1, 2, 3, 4, 5, 6, 7]}
REGEX = "^[A-Z]{3}$"
UNIQUE = ("flight_id", "scheduled_departure")
MOST_ROWS = 10**9
COLUMNS = (*KNOWN, *RANGES, *SETS, "destination", "known_at")


def build(context: SuiteContext) -> list[Expectation]:
    """The thirteen expectations: three of presence, four ranges, two sets, a form, a pair, uniqueness, the row count."""
    from great_expectations.expectations import core as gxe

    from data_checks.declare import critical

    found = [
        *(gxe.ExpectColumnValuesToNotBeNull(column=column) for column in KNOWN),
        *(
            gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high)
            for column, (low, high) in RANGES.items()
        ),
        *(gxe.ExpectColumnValuesToBeInSet(column=column, value_set=values) for column, values in SETS.items()),
        gxe.ExpectColumnValuesToMatchRegex(column="destination", regex=REGEX),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="scheduled_departure", column_B="known_at", ignore_row_if="either_value_is_missing"
        ),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=list(UNIQUE)),
        gxe.ExpectTableRowCountToBeBetween(min_value=1, max_value=MOST_ROWS),
    ]
    return [critical(f"expectation {number}", expectation) for number, expectation in enumerate(found)]


def prepare(folder: Path, rows: int) -> None:
    """Write one file of `rows` real flights, repeated, each with an id of its own."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from pipelines.flights import flights

    flights.prepare(folder / "data")  # type: ignore[misc]
    table = pa.concat_tables([pq.read_table(path) for path in sorted((folder / "data/rows").glob("*.parquet"))])
    ids = table.column("flight_id").cast(pa.string())
    place, copy = table.schema.get_field_index("flight_id"), 0
    schema = table.schema.set(place, pa.field("flight_id", pa.string()))
    with pq.ParquetWriter(folder / FILE, schema) as writer:
        while rows > 0:
            unique = pc.binary_join_element_wise(ids, str(copy), "-")
            part = table.set_column(place, schema.field(place), unique).slice(0, min(rows, table.num_rows))
            writer.write_table(part, row_group_size=131_072)
            rows, copy = rows - part.num_rows, copy + 1


def ours(folder: Path) -> None:
    """As a night checks its files."""
    from data_checks import ParquetRows
    from pipelines.flights import flights

    _validate(lambda: ParquetRows((folder / FILE,), flights.rows.columns))


def pandas(folder: Path) -> None:
    """Great Expectations on pandas, of which only the columns needed are read."""
    import pandas as pd

    _validate(lambda: pd.read_parquet(folder / FILE, columns=list(COLUMNS)))


def _validate(read: Any) -> None:
    from data_checks import SuiteContext, runner

    with _measured() as counts:
        context = SuiteContext("2013-11-19", nights=1, id_columns=("flight_id",))
        result: CheckResult = runner.run("validation", "benchmarks.validation", read(), context)
        if any(outcome.raised for outcome in result.outcomes) or result.by_pandas:
            raise SystemExit(f"not all was answered: {result.failures} {result.by_pandas}")
        counts.extend(outcome.unexpected_count for outcome in result.outcomes[:-1])


def sql(folder: Path) -> None:
    """What somebody would write by hand in DuckDB: one scan for what looks at single rows, one for uniqueness."""
    import duckdb

    with _measured() as counts, duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "1GB"}) as connection:
        rows = f"read_parquet('{folder / FILE}')"
        single = [
            *(f"count(*) FILTER (WHERE {column} IS NULL)" for column in KNOWN),
            *(
                f"count(*) FILTER (WHERE {column} NOT BETWEEN {low} AND {high})"
                for column, (low, high) in RANGES.items()
            ),
            *(f"count(*) FILTER (WHERE {column} NOT IN {tuple(values)})" for column, values in SETS.items()),
            f"count(*) FILTER (WHERE NOT regexp_matches(destination, '{REGEX}'))",
            "count(*) FILTER (WHERE NOT scheduled_departure > known_at)",
        ]
        line = connection.execute(f"SELECT {', '.join(single)}, count(*) FROM {rows}").fetchone() or ()  # noqa: S608 - our own
        twice = f"SELECT count(*) AS n FROM {rows} GROUP BY {', '.join(UNIQUE)} HAVING n > 1"  # noqa: S608 - our own
        [(repeated,)] = connection.execute(f"SELECT coalesce(sum(n), 0) FROM ({twice})").fetchall()  # noqa: S608 - our own
        counts.extend([*line[:-1], int(repeated)])
        if not 1 <= line[-1] <= MOST_ROWS:
            raise SystemExit("the row count is not as expected")


class _measured:  # noqa: N801 - a block of code
    """Prints what the block took and the counts that it put into the list it was given."""

    def __enter__(self) -> list[int]:
        self._counts: list[int] = []
        self._began = time.process_time()
        return self._counts

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            cpu = time.process_time() - self._began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(json.dumps({"cpu_seconds": round(cpu, 2), "peak_mb": round(peak), "counts": self._counts}))  # noqa: T201


if __name__ == "__main__":
    subject, place, *more = sys.argv[1:]
    if subject == "prepare":
        prepare(Path(place), int(more[0]))
    else:
        {"ours": ours, "sql": sql, "pandas": pandas}[subject](Path(place))
