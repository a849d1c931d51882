"""May a shard file go? Rules on what its name, its store, its table and the ledger say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.engine.ledger.values import Entry, Event
from pipelines.engine.publication.names import ShardName
from pipelines.engine.tidy.values import Limits

ShardKind = Literal["replaced shards", "lost shards"]
WHY: dict[ShardKind, str] = {
    "replaced shards": "named by no version within the retention",
    "lost shards": "written under a lost fence, by an attempt that never finished",
}
LATE_SECONDS = 60.0
"""By how much the record of a claim may be later than the claim itself; both are of one transaction."""


@dataclass(frozen=True)
class Shard:
    """A file that the newest version of its table does not name.

    Attributes:
        name: What its name says.
        written_at: By its store, in seconds since 1970.
        is_expired: Whether the table's log says that no version within the retention names it.
    """

    name: ShardName
    written_at: float
    is_expired: bool


def key_of(name: ShardName, entries: Iterable[Entry]) -> Entry | None:
    """Return the score key that a file was written under, or None if the ledger does not know it."""
    return next((entry for entry in entries if entry.step == "score" and entry.key.startswith(name.key)), None)


def is_held(name: ShardName, entry: Entry | None) -> bool:
    """Whether the fence in the name is the present one of a claim, however late its holder is."""
    return entry is not None and entry.state == "claimed" and entry.fence == name.fence


def is_lost(name: ShardName, entry: Entry | None, events: Sequence[Event]) -> bool:
    """Whether a file belongs to a claim of this ledger that ended without a result, so that nobody can ever use it.

    A fence alone would not do: in a ledger that was lost and made anew, fences began at 1 again.
    """
    claims = [event for event in events if event.event in ("claimed", "taken_over") and event.fence == name.fence]
    known = any(abs(event.at - name.claimed_ms / 1000) < LATE_SECONDS for event in claims)
    finished = any(event.event == "finished" and event.fence == name.fence for event in events)
    return known and not finished and not is_held(name, entry)


def last_touched(entries: Iterable[Entry]) -> float | None:
    """Return when anything last happened to a night, which may be the future end of a lease; None if nothing ever did."""
    times = [max(entry.claimed_at, entry.lease_until, entry.finished_at or 0.0) for entry in entries]
    return max(times, default=None)


def judge_shard(shard: Shard, entries: Sequence[Entry], events: Sequence[Event], limits: Limits) -> ShardKind | None:
    """Return as what a file that the newest version does not name may go, or None if it must stay.

    A lost fence's goes after a short while. Any other may have been published, or be about to: it goes when no version
    within the retention names it, and nothing has happened to its night for as long. The last is by the database's clock;
    what the table's log says is by that of whoever published.

    Args:
        shard: The file.
        entries: All keys of its night.
        events: The history of its score key; empty if there is none.
        limits: What is old.
    """
    entry = key_of(shard.name, entries)
    if is_lost(shard.name, entry, events):
        return "lost shards" if shard.written_at < limits.stale else None
    touched = last_touched(entries)
    is_quiet = touched is None or touched < limits.old
    is_old = shard.is_expired and is_quiet and shard.written_at < limits.old
    return "replaced shards" if is_old and not is_held(shard.name, entry) else None
