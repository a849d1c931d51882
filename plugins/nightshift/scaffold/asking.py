"""What is still to be said about a new pipeline, and what the data suggests for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines.engine.errors import UsageError

DATED = ("date", "day", "night", "at", "time", "timestamp", "ds")


@dataclass(frozen=True)
class Suggestion:
    """Columns that look as if they were meant; None where none does.

    Attributes:
        partition: The one that says to which night a row belongs.
        ids: The one that names a row.
        label: The one to predict.
    """

    partition: str | None
    ids: str | None
    label: str | None


def suggest(columns: Mapping[str, str | None]) -> Suggestion:
    """Guess by names and types which column is which.

    Args:
        columns: Name to our word for the type.
    """
    times = [name for name, kind in columns.items() if kind == "timestamp"]
    dated = [name for name in columns if name.lower().split("_")[-1] in DATED]
    named = [name for name in columns if name.lower() == "id" or name.lower().endswith("_id")]
    partition = next(iter([*times, *dated]), None)
    ids = next(iter([name for name in named if name != partition]), None)
    rest = [name for name in columns if name not in (partition, ids)]
    return Suggestion(partition, ids, rest[-1] if rest else None)


def missing_mistake(missing: Iterable[str], columns: Mapping[str, str | None]) -> UsageError:
    """Return what to say where nobody can be asked.

    Args:
        missing: Options that were not given.
        columns: What the data has.
    """
    listed = ", ".join(f"{name} ({kind or 'of a type that cannot be kept'})" for name, kind in columns.items())
    return UsageError(f"say {', '.join(missing)} as well. The columns are: {listed}.")
