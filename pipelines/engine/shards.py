"""Which task scores which rows? A pure rule: row groups in order, packed into shards of about equal size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.engine.rows import NightFile

MOST_SHARDS = 1024
"""Airflow's limit for mapped tasks of one task (`[core] max_map_length`)."""
USUAL_SHARDS = 64
"""Airflow starts about one mapped task a second, so a night is cut into tens of tasks, however large it is."""


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


def plan_shards(files: Sequence[NightFile], shard_bytes: int, most_shards: int = USUAL_SHARDS) -> list[Shard]:
    """Cut a night into shards at row group boundaries.

    A shard ends at the boundary that is nearest to its share of bytes, so shards come out about equal; a row group is
    never cut.

    Args:
        files: The night's files in the order that defines row positions.
        shard_bytes: About how many bytes a shard should hold, as Parquet counts them before compression.
        most_shards: Larger shards rather than more than so many, up to `MOST_SHARDS`.

    Returns:
        From 1 to `most_shards` shards that hold each row group exactly once, and none of them without rows.
    """
    sizes = [
        [size if rows else 0 for rows, size in zip(file.row_groups, file.group_bytes, strict=True)] for file in files
    ]
    total = sum(map(sum, sizes))
    wanted = max(shard_bytes, -(-total // min(most_shards, MOST_SHARDS)))
    share = total / max(1, round(total / wanted))
    cuts: list[list[tuple[NightFile, int, int]]] = [[]]
    position = taken = begun = 0
    for file, groups in zip(files, sizes, strict=True):
        for index, (rows, size) in enumerate(zip(file.row_groups, groups, strict=True)):
            # A group that lies mostly beyond the share opens the next shard; one without rows never does.
            if rows and taken > begun and taken + size / 2 > share * len(cuts):
                cuts.append([])
                begun = taken
            cuts[-1].append((file, index, position))
            position += rows
            taken += size
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
