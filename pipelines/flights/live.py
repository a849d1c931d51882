"""The flights of 2013 as if they left now: how `nightshift up --live` moves a night to another year.

Whole weeks, so that a Tuesday stays a Tuesday; and by the local clock of New York, so that the 06:15 to Chicago leaves at
06:15 on the new day, whether or not the two years change their clocks on the same one. What says the day (times, the date
in a flight's id, the month) moves; an aircraft is as old as it was.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.engine.pipeline import Recording
from pipelines.flights.clock import NEW_YORK, known_at, records_arrive_at

if TYPE_CHECKING:
    import pyarrow as pa

WEEK = 7
DATE_LETTERS = len("2013-11-19")


def shift(table: pa.Table, days: int) -> pa.Table:
    """Return rows or labels of nights as they would be so many days later (or earlier, if negative).

    A local time that the new day skips is moved to the moment after the jump; one that it has twice is the first.

    Args:
        table: Rows or labels of one night or several.
        days: Whole weeks, in days.

    Raises:
        ValueError: These are not whole weeks.
    """
    if days % WEEK:
        raise ValueError(f"{days} days are not whole weeks, so every weekday would be wrong")
    for name in table.column_names:
        table = _with(table, name, days)
    return table


def _with(table: pa.Table, name: str, days: int) -> pa.Table:
    import pyarrow as pa

    column, kind = table[name], table.schema.field(name).type
    if pa.types.is_timestamp(kind):
        moved = _moved(column, days, kind)
    elif name == "flight_id":
        moved = _renamed(column, days)
    elif name == "month":
        moved = _months(
            _moved(table["scheduled_departure"], days, table.schema.field("scheduled_departure").type), kind
        )
    else:
        return table
    return table.set_column(table.column_names.index(name), table.schema.field(name), moved)


def _moved(instants: pa.ChunkedArray, days: int, kind: pa.DataType) -> pa.ChunkedArray:
    """Move instants by days of the local clock."""
    import pyarrow as pa
    from pyarrow import compute

    local = compute.local_timestamp(instants.cast(pa.timestamp("us", NEW_YORK.key)))
    later = compute.add(local, pa.scalar(timedelta(days=days), pa.duration("us")))
    there = compute.assume_timezone(later, NEW_YORK.key, ambiguous="earliest", nonexistent="latest")
    return there.cast(kind)


def _renamed(ids: pa.ChunkedArray, days: int) -> pa.ChunkedArray:
    """Give flight ids, which begin with their date, the new one."""
    import pyarrow as pa
    from pyarrow import compute

    nights = compute.utf8_slice_codeunits(ids, 0, DATE_LETTERS)
    rest = compute.utf8_slice_codeunits(ids, DATE_LETTERS)
    later = {night: str(date.fromisoformat(night) + timedelta(days=days)) for night in nights.unique().to_pylist()}
    renamed = pa.chunked_array([[later[night] for night in nights.to_pylist()]], pa.string())
    return compute.binary_join_element_wise(renamed, rest, "")


def _months(departures: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    import pyarrow as pa
    from pyarrow import compute

    return compute.month(departures.cast(pa.timestamp("us", NEW_YORK.key))).cast(kind)


recording = Recording(
    first="2013-01-01",
    tonight="2013-11-19",  # the model of the demonstration learned up to the month before, and five weeks lie ahead
    last="2013-12-31",
    timezone=NEW_YORK.key,
    rows_come=known_at,
    labels_come=records_arrive_at,
    shift=shift,
)
