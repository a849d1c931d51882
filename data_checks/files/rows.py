"""Which files the rows are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ParquetRows:
    """Rows on disk.

    Attributes:
        paths: Parquet files; the position of a row is its place in all of them, one after the other. At least one.
        columns: Columns to look at, each with its kind: string, int64, double, timestamp, or Arrow's name of another type.
    """

    paths: Sequence[Path]
    columns: Mapping[str, str]
