"""Which publication has been replaced by a newer one of the same night? A pure rule on the ledger's keys.

Only publications take each other's place. The other steps' keys stand for what they made, and a later night may well use
it again: after deliveries A, B, A the scores of the first A are the ones that readers see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.engine.ledger.values import Entry, iso

STEP = "publish"
CHAINING = "inputs.replaces"
"""Differs between any two publications of a night, and explains nothing."""


@dataclass(frozen=True)
class Superseded:
    """The key that took another one's place.

    Attributes:
        key: The newer key's digest.
        at: When it was finished, UTC, such as `2026-11-20T02:03:04Z`.
        because: What is different in it, such as `inputs.scores`.
    """

    key: str
    at: str
    because: tuple[str, ...]

    def __str__(self) -> str:
        return f"superseded by {self.key[:12]} at {self.at}: other {', '.join(self.because)}"


def superseded_by(entry: Entry, others: Iterable[Entry]) -> Superseded | None:
    """Return what took a finished publication's place, or None if nothing did.

    Args:
        entry: The key.
        others: Keys of the ledger; those of other pipelines, steps and partitions do not count.
    """
    if entry.step != STEP or entry.state != "done":
        return None
    same = (entry.pipeline, entry.step, entry.partition)
    newer = [
        other
        for other in others
        if (other.pipeline, other.step, other.partition) == same
        and other.state == "done"
        and other.key != entry.key
        and (other.finished_at or 0.0) > (entry.finished_at or 0.0)
    ]
    if not newer:
        return None
    last = max(newer, key=lambda other: other.finished_at or 0.0)
    because = tuple(name for name in differences(entry.identity, last.identity) if name != CHAINING)
    return Superseded(last.key, iso(last.finished_at or 0.0), because)


def differences(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> Iterable[str]:
    """Name what is different between two keys' identities, such as `inputs.scores`."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from differences(before, after, f"{path}{name}.")
        else:
            yield f"{path}{name}"
