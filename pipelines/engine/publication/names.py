"""What the files of a predictions table are called: by night, key, fence and the time of the claim."""

from __future__ import annotations

import re
from dataclasses import dataclass

PARTITION = "night"
SHARD = re.compile(PARTITION + r"=(\d{4}-\d{2}-\d{2})/([0-9a-f]{32})-(\d+)-(\d+)\.parquet")


@dataclass(frozen=True)
class ShardName:
    """What a shard file's name says.

    Attributes:
        night: The partition.
        key: The first 32 digits of the score key.
        fence: Of the claim under which it was written.
        claimed_ms: When that claim was given, in milliseconds since 1970 by the clock of the ledger's database.
    """

    night: str
    key: str
    fence: int
    claimed_ms: int


def shard_path(night: str, key: str, fence: int, claimed_at: float) -> str:
    """Return where a shard's file belongs, relative to the table's folder.

    The time of the claim is in the name for the day on which a ledger is lost and its fences begin at 1 again, while
    the table still names files that were written under the old ones.
    """
    return f"{PARTITION}={night}/{key[:32]}-{fence}-{int(claimed_at * 1000)}.parquet"


def read_shard_path(path: str) -> ShardName | None:
    """Return what `shard_path` was given, or None if the path is none of its."""
    match = SHARD.fullmatch(path)
    return ShardName(match[1], match[2], int(match[3]), int(match[4])) if match else None
