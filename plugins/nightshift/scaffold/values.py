"""What a new pipeline is made from: what was asked for, what the data shows, and what follows from both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["binary", "multiclass", "regression"]
Task = Literal["classification", "regression"]
Value = str | int | float | bool
"""What a cell of a table can hold, as far as a pipeline file can spell it."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What somebody asked for.

    Attributes:
        name: Of the pipeline.
        source: A path of a Parquet file or folder or a CSV file, or the URL of a database.
        table: The table, where the source is a database.
        labels_table: The table or view that holds the labels, if it is another one.
        ids: Columns that together name a row.
        label: The column to predict.
        partition: The column that says to which night a row belongs.
        task: What is predicted; None to guess it from the label.
        positive: The label's value whose probability is wanted; None to guess it.
        owner: Who answers for the DAGs.
        schedule: When a night is scored, as a cron expression.
        finish_by: Until when it is needed.
        timezone: Of both.
    """

    name: str
    source: str
    table: str | None = None
    labels_table: str | None = None
    ids: tuple[str, ...]
    label: str
    partition: str
    task: Task | None = None
    positive: str | None = None
    owner: str
    schedule: str = "0 2 * * *"
    finish_by: str = "06:00"
    timezone: str = "UTC"

    @property
    def nightly(self) -> bool:
        """Whether a night is scored every day."""
        return self.schedule.split()[2:] == ["*", "*", "*"]


@dataclass(frozen=True)
class Column:
    """What the data shows of one column.

    Attributes:
        name: As it is called there.
        kind: Our word for its type, or None if a pipeline cannot keep it.
        sql_type: The type as the data has it.
        known: How many rows have a value.
        distinct: About how many different values there are; exact where they are few.
        low: The least value of a number.
        high: The greatest one.
        values: The values with their counts, the most frequent first, where they are few.
    """

    name: str
    kind: str | None
    sql_type: str
    known: int
    distinct: int
    low: float | None = None
    high: float | None = None
    values: Mapping[Value, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the data shows.

    Attributes:
        rows: How many there are.
        columns: Each of them, by name.
        nights: The rows of each night, the oldest first.
        repeated: Whether the same ids come again in other nights.
        labelled: Rows that have a label.
        spread: Standard deviation of the label, where it is a number.
        tells: By column: how much of the label it alone explains, 0 to 1.
        unread: By column that is there and was not looked at: why.
    """

    rows: int
    columns: Mapping[str, Column]
    nights: Mapping[str, int]
    repeated: bool
    labelled: int
    spread: float | None = None
    tells: Mapping[str, float] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is learned.

    Attributes:
        kind: Of the pipeline.
        column_type: Type of the target in the labels.
        one_where: The value that becomes 1; None where the label is taken as it is.
        classes: The values that it may have, of a classification.
        said: Why, in a sentence.
    """

    kind: Kind
    column_type: str
    one_where: Value | None = None
    classes: tuple[Value, ...] = ()
    said: str


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a model must prove at first.

    Attributes:
        metric: The metric.
        threshold: The least good value.
        why: How the threshold was found.
    """

    metric: str
    threshold: float
    why: str


@dataclass(frozen=True, kw_only=True)
class Nights:
    """Which nights to learn from, and which to score first.

    Attributes:
        window: Days of the window.
        holdout: Of these, the newest that measure.
        as_of: The night as of which the first model is trained.
        scored: The night that it scores first: the last one of the data.
    """

    window: int
    holdout: int
    as_of: str
    scored: str


@dataclass(frozen=True, kw_only=True)
class Design:
    """A pipeline before it is written.

    Attributes:
        wishes: What was asked for.
        seen: What the data shows.
        target: What is learned.
        rows: Name and type of each column of the rows.
        labels: The same of the labels.
        features: What the model sees.
        left_out: By column: why it is no feature.
        slices: Columns whose values get metrics of their own.
        nights: Which nights to learn from.
        gate: What a model must prove.
        leaf: Fewest rows in a leaf of a tree.
        notes: What a person should know now, in sentences.
    """

    wishes: Wishes
    seen: Seen
    target: Target
    rows: Mapping[str, str]
    labels: Mapping[str, str]
    features: tuple[str, ...]
    left_out: Mapping[str, str]
    slices: tuple[str, ...]
    nights: Nights
    gate: Gate
    leaf: int
    notes: tuple[str, ...]

    @property
    def dated(self) -> bool:
        """Whether the rows have the column that says their night; those of a table are read by it, and do without."""
        return self.wishes.table is None

    @property
    def gaps(self) -> tuple[str, ...]:
        """Columns of a table whose whole numbers or truth values are sometimes missing: pandas calls them by another type."""
        kept = [name for name, kind in self.rows.items() if kind in ("int64", "bool")]
        return tuple(name for name in kept if self.seen.columns[name].known < self.seen.rows)
