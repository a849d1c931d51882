"""Refused rows by reason, with some of them to look at; values of sensitive columns are hidden."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_checks.sensitive import HIDDEN
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.storage import Location

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = 3
REASONS = 20
LONGEST = 80


@dataclass(frozen=True)
class Refused:
    """The rows of a night that were refused for the same reasons.

    Attributes:
        reasons: In words, as the suite says them.
        rows: How many there are.
        samples: Some of them: a text for each column of `RefusedRows.columns`; None where the value is missing.
    """

    reasons: str
    rows: int
    samples: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True)
class RefusedRows:
    """All refused rows of a night.

    Attributes:
        rows: How many there are.
        columns: Of the samples: `position` in the night, counted from 0, the ids, then the others.
        groups: By reasons, the most frequent first; at most `REASONS` of them.
        hidden: Those of the columns whose values are not shown.
    """

    rows: int
    columns: tuple[str, ...]
    groups: tuple[Refused, ...]
    hidden: tuple[str, ...] = ()


def read_refused(
    file: Location, pipeline: Pipeline, *, columns: Collection[str] | None = None, samples: int = SAMPLES
) -> RefusedRows | None:
    """Read a night's quarantine file.

    Args:
        file: Below `runtime.quarantine(pipeline)`.
        pipeline: Says which columns name a row, and which are sensitive.
        columns: Columns to show beside the ids; all by default.
        samples: At most so many rows of each group.

    Returns:
        None if there is no such file.

    Raises:
        StorageError: The store does not answer.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not file.exists():
        return None
    names = [name for name in pipeline.rows.columns if columns is None or name in (*pipeline.id_columns, *columns)]
    try:
        table = pq.read_table(file.copy(), columns=["position", "reasons", *names], partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise file.in_words(error) from None
    return refused_rows(table, pipeline.id_columns, pipeline.rows.sensitive, samples)


def refused_rows(
    table: pa.Table, id_columns: Sequence[str], sensitive: Collection[str], samples: int = SAMPLES
) -> RefusedRows:
    """Return the refused rows by reasons. Pure.

    Args:
        table: `position`, `reasons` and columns of the rows.
        id_columns: Columns that name a row; they come first.
        sensitive: Columns whose values are hidden.
        samples: At most so many rows of each group, those that come first in the night.
    """
    import pyarrow.compute as pc

    others = [name for name in table.column_names if name not in ("position", "reasons", *id_columns)]
    shown = ["position", *(name for name in id_columns if name in table.column_names), *others]
    counted = sorted(
        pc.value_counts(table["reasons"]).to_pylist(), key=lambda group: (-group["counts"], group["values"])
    )
    groups = []
    for group in counted[:REASONS]:
        mine = table.filter(pc.equal(table["reasons"], group["values"])).sort_by("position").slice(0, samples)
        lines = mine.select(shown).to_pylist()
        groups.append(
            Refused(
                group["values"],
                group["counts"],
                tuple(tuple(_text(name, line[name], sensitive) for name in shown) for line in lines),
            )
        )
    return RefusedRows(table.num_rows, tuple(shown), tuple(groups), tuple(name for name in shown if name in sensitive))


def _text(column: str, value: Any, sensitive: Collection[str]) -> str | None:
    if column in sensitive:
        return HIDDEN  # also where it is missing: that somebody has no value may be what nobody shall know
    if value is None:
        return None
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
