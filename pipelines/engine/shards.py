"""Which task scores which rows? A pure rule: row groups in order, packed into shards of about equal size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.engine.rows import NightFile

MOST_SHARDS = 1024
"""Airflow's limit for mapped tasks of one task (`[core] max_map_length`)."""


@dataclass(frozen=True)
class Piece:
    """Some row groups of one file.

    Attributes:
        path: The file.
        sha256: Digest of the file's bytes when the shards were planned.
        size: The file's size then, in bytes.
        modified_ns: The file's modification time then.
        first_position: Position in the whole night of the piece's first row.
        row_groups: Indexes of the row groups, ascending and adjacent.
        rows: How many rows they hold.
    """

    path: str
    sha256: str
    size: int
    modified_ns: int
    first_position: int
    row_groups: tuple[int, ...]
    rows: int


@dataclass(frozen=True)
class Shard:
    """What one scoring task takes."""

    number: int
    pieces: tuple[Piece, ...]

    @property
    def rows(self) -> int:
        """Rows in all pieces."""
        return sum(piece.rows for piece in self.pieces)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Shard:
        """Read what `to_json` wrote (tuples may have become lists)."""
        pieces = (Piece(**{**piece, "row_groups": tuple(piece["row_groups"])}) for piece in value["pieces"])
        return cls(value["number"], tuple(pieces))

    @property
    def content(self) -> list[list[Any]]:
        """What the shard holds, whatever its files are called; a part of its key."""
        return [[piece.sha256, list(piece.row_groups)] for piece in self.pieces]


def plan_shards(files: Sequence[NightFile], rows_per_shard: int) -> list[Shard]:
    """Cut a night into shards at row group boundaries.

    A shard is closed as soon as it holds its share of rows, so the shards come out about equal; a row group is never cut.

    Args:
        files: The night's files in the order that defines row positions.
        rows_per_shard: About how many rows a shard should hold.

    Returns:
        From 1 to `MOST_SHARDS` shards that hold each row group exactly once.
    """
    total = sum(file.rows for file in files)
    wanted = max(rows_per_shard, -(-total // MOST_SHARDS))
    share = total / max(1, round(total / wanted))
    cuts: list[list[tuple[NightFile, int, int]]] = [[]]
    position = 0
    for file in files:
        for index, rows in enumerate(file.row_groups):
            if rows and cuts[-1] and position >= share * len(cuts):  # an empty row group opens no shard
                cuts.append([])
            cuts[-1].append((file, index, position))
            position += rows
    return [Shard(number, _pieces(groups)) for number, groups in enumerate(cuts)]


def _pieces(groups: Sequence[tuple[NightFile, int, int]]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    by_file: dict[str, list[tuple[NightFile, int, int]]] = {}
    for group in groups:
        by_file.setdefault(group[0].path, []).append(group)
    for path, members in by_file.items():
        file, _, first_position = members[0]
        indexes = tuple(index for _, index, _ in members)
        rows = sum(file.row_groups[index] for index in indexes)
        pieces.append(Piece(path, file.sha256, file.size, file.modified_ns, first_position, indexes, rows))
    return tuple(pieces)
