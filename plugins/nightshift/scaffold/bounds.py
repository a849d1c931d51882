"""What a suite learns from data: bounds with room, as pure rules. A person is to look at each of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from nightshift.scaffold.values import Column, Seen

ROOM = 0.5
"""How far beyond what was seen a number may lie, as a share of the distance between the extremes."""
POSSIBLE = 3.0
"""How many times fewer or more rows than ever seen a night may have before it is none."""
USUAL = 1.3
FEW_VALUES = 20
"""Of a text with more, new ones are no surprise."""
KNOWN = 0.8
"""Which part of the usual share of known values must be there."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a suite says.

    Attributes:
        rows_possible: Fewest and most rows of a night that can be one.
        rows_usual: Fewest and most rows of a usual night.
        always_known: Columns that were never missing.
        usually_known: By column that sometimes is: the share that must be known.
        ranges: By column: between what its numbers lie.
        values: By column: its few values.
    """

    rows_possible: tuple[int, int]
    rows_usual: tuple[int, int]
    always_known: tuple[str, ...]
    usually_known: dict[str, float] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)


def learn(seen: Seen, names: Iterable[str]) -> Bounds:
    """Learn bounds from the columns of a file.

    Args:
        seen: What the data shows.
        names: Those columns that are neither ids nor the partition.
    """
    columns = [seen.columns[name] for name in names]
    least, most = min(seen.nights.values()), max(seen.nights.values())
    ranged = [c for c in columns if c.kind in ("int64", "double") and c.low is not None and c.high is not None]
    return Bounds(
        rows_possible=(max(1, math.floor(least / POSSIBLE)), math.ceil(most * POSSIBLE)),
        rows_usual=(max(1, math.floor(least / USUAL)), math.ceil(most * USUAL)),
        always_known=tuple(c.name for c in columns if c.known == seen.rows),
        usually_known={c.name: _share(c, seen.rows) for c in columns if _share(c, seen.rows) and c.known < seen.rows},
        ranges={c.name: range_of(c) for c in ranged},
        values={
            c.name: tuple(sorted(map(str, c.values)))
            for c in columns
            if c.kind == "string" and 0 < len(c.values) <= FEW_VALUES
        },
    )


def _share(column: Column, rows: int) -> float:
    return math.floor(column.known / rows * KNOWN * 100) / 100


def range_of(column: Column) -> tuple[float, float]:
    """Return between what the numbers of a column lie, with room.

    What was never negative stays so; shares, and 0 and 1, stay between 0 and 1.
    """
    low, high = column.low or 0.0, column.high or 0.0
    if column.kind == "double" and low >= 0 and high <= 1:
        return 0, 1
    room = ROOM * ((high - low) or abs(high) or 1.0)
    least = 0.0 if low >= 0 and low <= room else rounded(low - room, math.floor)
    most = rounded(high + room, math.ceil)
    return (math.floor(least), math.ceil(most)) if column.kind == "int64" else (_plain(least), _plain(most))


def rounded(value: float, outwards: object) -> float:
    """Return a number with two digits that count, rounded by `math.floor` or `math.ceil`."""
    if not value:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    steps = math.ceil(value / unit - 1e-9) if outwards is math.ceil else math.floor(value / unit + 1e-9)
    return float(f"{steps * unit:.6g}")


def _plain(value: float) -> float:
    return int(value) if value == int(value) and abs(value) < 1e15 else value
