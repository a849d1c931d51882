"""Made-up values for the tests of a new pipeline, as Python source: nobody's data goes into a repository."""

from __future__ import annotations

from nightshift.scaffold.bounds import Bounds, range_of
from nightshift.scaffold.values import Design


def made_up_column(design: Design, name: str, kind: str, bounds: Bounds) -> str:
    """Return an expression that makes `COUNT` values of a column, from `chance` and `night`, within the bounds.

    Args:
        design: The pipeline.
        name: A column of its rows.
        kind: Its type.
        bounds: What the suite says.
    """
    if name == design.wishes.partition:
        return 'pd.Timestamp(night, tz="UTC")'
    if name in design.wishes.ids:
        return _named(kind)
    if kind == "string":
        return _texts(bounds.values.get(name))
    return _numbers(kind, bounds.ranges.get(name))


def _named(kind: str) -> str:
    """Ids: no two are the same."""
    return {
        "string": '[f"{night}-{number}" for number in range(COUNT)]',
        "int64": "np.arange(COUNT)",
        "double": "np.arange(COUNT, dtype=float)",
        "timestamp": 'pd.date_range(night, periods=COUNT, freq="s", tz="UTC")',
    }.get(kind, "np.arange(COUNT) == 0")


def _texts(values: tuple[str, ...] | None) -> str:
    if values is None:
        return '[f"value {number % 7}" for number in range(COUNT)]'
    return f"chance.choice({list(values)!r}, COUNT)"


def _numbers(kind: str, bounds: tuple[float, float] | None) -> str:
    if kind == "bool":
        return "chance.random(COUNT) < 0.5"
    if bounds is None:
        return "(chance.random(COUNT) < 0.5).astype(float)"
    low, high = bounds
    return f"chance.integers({low}, {high}, COUNT)" if kind == "int64" else f"chance.uniform({low}, {high}, COUNT)"


def made_up_label(design: Design, count: int) -> str:
    """Return an expression that makes a label for each of so many rows."""
    target = design.target
    if target.column_type == "bool":
        return "chance.random(COUNT) < 0.5"
    if target.kind == "binary":
        return f'(np.arange(COUNT) < {_ones(design, count)}).astype("int64")'
    if target.kind == "multiclass":
        return f"np.resize({list(target.classes)!r}, COUNT)"
    low, high = range_of(design.seen.columns[design.wishes.label])
    return _numbers(target.column_type, (low, high))


def _ones(design: Design, count: int) -> int:
    """Return how many of so many labels are 1, if it is as usual."""
    label = design.seen.columns[design.wishes.label]
    one = 1 if design.target.one_where is None else design.target.one_where
    return min(count - 1, max(1, round(count * label.values[one] / label.known)))


def outside(design: Design, bounds: Bounds) -> tuple[str, float] | None:
    """Return a column of numbers and a value that its range refuses, or None if no column has a range."""
    for kind in ("double", "int64"):
        for name, (_, high) in bounds.ranges.items():
            if design.rows[name] == kind:
                return name, high + 10 * (abs(high) + 1)
    return None
