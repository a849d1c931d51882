"""What follows from what was asked for and what the data shows: a design. No I/O; every choice has its reason in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from nightshift.scaffold.target import gate_for, target_of
from nightshift.scaffold.values import Column, Design, Nights, Seen, Target, Wishes
from pipelines.engine.errors import UsageError

MOST_VALUES = 200
"""A text with more values says more about single rows than about all of them."""
WINDOW = 180
"""Nights to learn from, where there are as many."""
HOLDOUT = 28
FEW_NIGHTS = 14
FEW_LABELS = 500
SLICES = 3
SLICE_VALUES = 12
TELLING = 0.95
"""A column that alone explains so much of the label is rather its echo."""
NO_NAME = tuple('[]{}":,')
"""Signs that LightGBM takes in no name of a feature."""


def design(wishes: Wishes, seen: Seen) -> Design:
    """Decide what the pipeline will be.

    Raises:
        UsageError: Nothing can be learned from this, with the reason.
    """
    target = target_of(wishes, seen)
    _check_table(wishes, seen, target)
    left_out = {**seen.unread} | {
        name: why for name in seen.columns if (why := _why_not(wishes, seen, seen.columns[name]))
    }
    named = (*wishes.ids, wishes.partition)
    features = tuple(name for name in seen.columns if name not in (*left_out, *named, wishes.label))
    if not features:
        said = "\n".join(f"  - {name} {why}" for name, why in left_out.items())
        raise UsageError(f"no column is left that a model could learn from:\n{said}")
    nights = choose_nights(list(seen.nights))
    ids = {name: _kept_as(seen, wishes, name) for name in wishes.ids}
    night = {} if wishes.table else {wishes.partition: "timestamp"}
    return Design(
        wishes=wishes,
        seen=seen,
        target=target,
        rows={**ids, **night, **{name: _kept_as(seen, wishes, name) for name in features}},
        labels={**ids, **(night if seen.repeated else {}), wishes.label: target.column_type},
        features=features,
        left_out=left_out,
        slices=_slices(seen, features),
        nights=nights,
        gate=gate_for(target, seen.columns[wishes.label], seen),
        leaf=min(1000, max(5, seen.labelled // 200)),
        notes=tuple(_notes(wishes, seen, target, features, nights)),
    )


def _check_table(wishes: Wishes, seen: Seen, target: Target) -> None:
    """Make sure that labels can be read from the table as they are, or come from another one."""
    if wishes.table is None or wishes.labels_table:
        return
    wrong = None
    if target.one_where is not None:
        wrong = f"is no 0 or 1: CASE WHEN {wishes.label} = {target.one_where!r} THEN 1 ELSE 0 END"
    elif seen.labelled < seen.rows:
        wrong = f"is missing in {seen.rows - seen.labelled:,} rows: WHERE {wishes.label} IS NOT NULL"
    if wrong:
        raise UsageError(
            f"a table is read as it is, and --label {wishes.label!r} {wrong} belongs into a view with the ids, "
            f"{wishes.partition!r} and the label. Make one in the database, and name it with --labels-table."
        )


def _kept_as(seen: Seen, wishes: Wishes, name: str) -> str:
    """Return the type of a column of the rows.

    Whole numbers with gaps are kept as pandas has them: as broken ones. A table is read as it is.
    """
    column = seen.columns[name]
    if name == wishes.partition:
        return "timestamp"
    if column.kind is None:
        raise UsageError(f"--id {name!r} is a {column.sql_type}, which no table of predictions can keep.")
    gaps = column.kind in ("int64", "bool") and column.known < seen.rows
    return "double" if gaps and not wishes.table else column.kind


def _why_not(wishes: Wishes, seen: Seen, column: Column) -> str | None:
    """Say why a column is no feature, or None if it is one, or is needed for something else."""
    if column.name in (*wishes.ids, wishes.partition, wishes.label):
        return None
    if column.kind is None:
        return f"is a {column.sql_type}, which a pipeline cannot keep"
    if column.name.startswith("__") or any(sign in column.name for sign in NO_NAME):
        return "has a name that is kept for others: it begins with __ or holds one of " + " ".join(NO_NAME)
    if not column.known:
        return "is always missing"
    if column.kind == "timestamp":
        return "is a time: make a number of it, such as an age in days, if it matters"
    if column.distinct <= 1 and column.known == seen.rows:
        return "has one value only"
    if column.kind == "string" and column.distinct > min(MOST_VALUES, max(10, seen.rows // 10)):
        return f"is a text with about {column.distinct:,} values: a name or free text, which says little about the next row"
    return None


def choose_nights(nights: Sequence[str]) -> Nights:
    """Choose the window so that a model is trained before the last night, and scores it.

    Labels are known a night later, and each night of the holdout must be there.

    Args:
        nights: Those that have rows, the oldest first.

    Raises:
        UsageError: There are too few.
    """
    if len(nights) < 3:
        raise UsageError(
            f"there {'is one night' if len(nights) == 1 else f'are {len(nights)} nights'} in the data ({', '.join(nights)}), "
            "and three are needed: one to learn from, one to measure on, and one to score. Bring more, or choose another --partition."
        )
    days = [date.fromisoformat(night) for night in nights]
    *past, last = days
    past = past[-WINDOW:]
    row = 1
    while row < len(past) and past[-row - 1] == past[-row] - timedelta(days=1):
        row += 1
    holdout = max(1, min(HOLDOUT, round(len(past) / 5), row, len(past) - 1))
    return Nights(
        window=(past[-1] - past[0]).days + 1,
        holdout=holdout,
        as_of=(past[-1] + timedelta(days=1)).isoformat(),
        scored=last.isoformat(),
    )


def _slices(seen: Seen, features: Sequence[str]) -> tuple[str, ...]:
    texts = [seen.columns[name] for name in features if seen.columns[name].kind == "string"]
    few = [column for column in texts if 2 <= len(column.values) <= SLICE_VALUES]
    return tuple(column.name for column in sorted(few, key=lambda column: len(column.values))[:SLICES])


def _notes(wishes: Wishes, seen: Seen, target: Target, features: Sequence[str], nights: Nights) -> Iterator[str]:
    yield target.said
    echoes: Mapping[str, float] = {name: seen.tells[name] for name in features if seen.tells.get(name, 0.0) >= TELLING}
    for name, share in echoes.items():
        yield (
            f"{name} alone explains {math.floor(share * 100)}% of {wishes.label}. Is it known before the night, "
            "or is it the answer by another name? If it is, take it out of the rows and the features."
        )
    unlabelled = seen.rows - seen.labelled
    if unlabelled:
        yield f"{unlabelled:,} of {seen.rows:,} rows have no {wishes.label}; they are scored, and not learned from."
    if len(seen.nights) < FEW_NIGHTS:
        yield f"{len(seen.nights)} nights are few: what the model and the checks learn from them may be chance."
    if seen.labelled < FEW_LABELS:
        yield f"{seen.labelled:,} labelled rows are few: do not trust the metrics yet."
    gaps = (date.fromisoformat(nights.scored) - date.fromisoformat(min(seen.nights))).days + 1 - len(seen.nights)
    if gaps:
        yield (
            f"{gaps} days between the first night and the last have no rows. The holdout needs {nights.holdout} nights in a row "
            "before each training; choose --as-of and the schedule so."
        )
