"""What is learned, and what a model must prove at first: pure rules about the label."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nightshift.scaffold.values import Column, Gate, Seen, Target, Value, Wishes
from pipelines.engine.errors import UsageError, nearest

MOST_CLASSES = 50
GUESSED_CLASSES = 10
"""A whole number of at most so many values is rather a class than an amount."""
YES = ("1", "true", "yes", "y", "t", "positive")
ROC_AUC = 0.55
"""Better than a coin, which has 0.5, and no more."""
GAIN = 0.02
"""By which share of its error a model must beat guessing."""


def target_of(wishes: Wishes, seen: Seen) -> Target:
    """Decide of what kind the pipeline is.

    Raises:
        UsageError: The label cannot be learned so.
    """
    label = seen.columns[wishes.label]
    if not label.known:
        raise UsageError(f"--label {label.name!r} is missing in every row: there is nothing to learn.")
    if label.kind is None or label.kind == "timestamp":
        raise UsageError(f"--label {label.name!r} is a {label.sql_type}; expected a number, a text or a truth value.")
    task = wishes.task or _guess(label)
    guessed = "" if wishes.task else f" That was guessed from its {_several(label)}; --kind says otherwise."
    if task == "regression":
        return _regression(label, guessed)
    values = _classes(label)
    return _binary(wishes, label, values, guessed) if len(values) == 2 else _multiclass(label, values, guessed)


def _guess(label: Column) -> str:
    if label.kind in ("string", "bool") or len(label.values) == 2:
        return "classification"
    few = label.kind == "int64" and 0 < len(label.values) <= GUESSED_CLASSES
    return "classification" if few else "regression"


def _several(label: Column) -> str:
    return f"{len(label.values)} values" if label.values else "many values"


def _regression(label: Column, guessed: str) -> Target:
    if label.kind not in ("int64", "double"):
        raise UsageError(f"--kind regression: {label.name!r} is a {label.sql_type}; expected a number.")
    if label.low == label.high:
        raise UsageError(f"--label {label.name!r} is always the same number, or none: there is nothing to learn.")
    said = f"{label.name} is taken as an amount: a regression.{guessed}"
    return Target(kind="regression", column_type=label.kind, said=said)


def _classes(label: Column) -> list[Value]:
    values = list(label.values)
    if not values or len(values) > MOST_CLASSES:
        raise UsageError(
            f"--label {label.name!r} has about {label.distinct:,} values, and a classification takes at most {MOST_CLASSES}. "
            "Is it an amount? Then say --kind regression."
        )
    if len(values) == 1:
        raise UsageError(f"--label {label.name!r} is always {values[0]}: there is nothing to learn.")
    if label.kind == "double" and any(float(value) != math.floor(float(value)) for value in values):
        raise UsageError(f"--label {label.name!r} holds broken numbers, which are no classes. Say --kind regression.")
    return [int(value) for value in values] if label.kind == "double" else values


def _binary(wishes: Wishes, label: Column, values: Sequence[Value], guessed: str) -> Target:
    plain = set(values) == {0, 1} and wishes.positive is None
    if plain:
        said = f"{label.name} is yes or no: a binary classification.{guessed}"
        kept = "bool" if label.kind == "bool" and wishes.table else "int64"  # a table is read as it is
        return Target(kind="binary", column_type=kept, classes=(0, 1), said=said)
    one = _positive(wishes, label, values)
    other = next(value for value in values if value != one)
    said = f"{label.name} is {one} or {other}: a binary classification, in which {one} is 1 and {other} is 0.{guessed}"
    if wishes.positive is None:
        said += " --positive says otherwise."
    return Target(kind="binary", column_type="int64", one_where=one, classes=(0, 1), said=said)


def _positive(wishes: Wishes, label: Column, values: Sequence[Value]) -> Value:
    """Return the value that becomes 1: the one that was named, that says yes, or that is the rarer one."""
    by_text = {str(value).lower(): value for value in values}
    if wishes.positive is not None:
        found = by_text.get(wishes.positive.lower())
        if found is None:
            known = ", ".join(map(str, values))
            raise UsageError(
                f"--positive {wishes.positive!r}: {label.name!r} has the values {known}.{nearest(wishes.positive, map(str, values))}"
            )
        return found
    said = [value for word, value in by_text.items() if word in YES]
    return said[0] if said else min(values, key=lambda value: (label.values[value], str(value)))


def _multiclass(label: Column, values: Sequence[Value], guessed: str) -> Target:
    said = f"{label.name} is one of {len(values)} classes: a multi-class classification.{guessed}"
    kept = "string" if label.kind == "string" else "int64"
    return Target(
        kind="multiclass", column_type=kept, classes=tuple(sorted(values, key=lambda v: (str(type(v)), v))), said=said
    )


def gate_for(target: Target, label: Column, seen: Seen) -> Gate:
    """Return a modest gate: the model must be better than a guess that looks at no column."""
    if target.kind == "binary":
        return Gate(metric="roc_auc", threshold=ROC_AUC, why="a coin has 0.5")
    if target.kind == "multiclass":
        share = max(label.values.values()) / label.known
        least = share + GAIN * (1 - share)
        return Gate(
            metric="accuracy",
            threshold=math.ceil(least * 1000) / 1000,
            why=f"always saying the most frequent class is right for {share:.1%} of the rows",
        )
    spread = seen.spread or 0.0
    return Gate(
        metric="rmse",
        threshold=float(f"{spread * (1 - GAIN):.3g}"),
        why=f"always saying the mean is wrong by {spread:.3g}",
    )
