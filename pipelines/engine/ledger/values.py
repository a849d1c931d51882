"""What the ledger answers, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from pipelines.engine.telemetry.cost import Cost

State = Literal["claimed", "done", "failed", "open"]
EventName = Literal["claimed", "taken_over", "finished", "failed", "released", "forced"]


@dataclass(frozen=True)
class Claimed:
    """The caller holds the key now.

    Attributes:
        key: The key's digest.
        fence: Grows each time the key changes hands.
        generation: Grows each time a try has ended for good without a result.
        holder: Who asked.
        claimed_at: When, in seconds since 1970 by the database's clock.
        taken_over: Whether an earlier holder's lease had run out.
    """

    key: str
    fence: int
    generation: int
    holder: str
    claimed_at: float
    taken_over: bool = False


@dataclass(frozen=True)
class Done:
    """The work was finished before; here is who did it, and what came out."""

    key: str
    fence: int
    generation: int
    holder: str
    finished_at: float
    result: dict[str, Any]


@dataclass(frozen=True)
class Busy:
    """Somebody else holds the key; `seconds_left` is until its lease ends, by the database's clock."""

    key: str
    fence: int
    holder: str
    seconds_left: float


Answer = Claimed | Done | Busy


@dataclass(frozen=True)
class Entry:
    """One key as it stands in the ledger; times are seconds since 1970 by the database's clock.

    Attributes:
        cost: What its work cost, where it is done and that is known.
    """

    key: str
    pipeline: str
    step: str
    partition: str
    identity: dict[str, Any]
    state: State
    fence: int
    generation: int
    holder: str
    claimed_at: float
    lease_until: float
    finished_at: float | None
    result: dict[str, Any] | None
    error: str | None
    cost: Cost | None = None


@dataclass(frozen=True)
class Event:
    """One line of a key's history, never changed after it was written."""

    key: str
    at: float
    event: EventName
    fence: int
    generation: int
    holder: str
    detail: dict[str, Any]


def moment(seconds: float) -> datetime:
    """Return a time of the ledger as a datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def iso(seconds: float) -> str:
    """Return a time of the ledger as text, such as `2026-11-20T02:03:04Z`."""
    days, rest = divmod(math.floor(seconds), 86_400)  # pages have thousands, and strftime takes five times as long
    hour, rest = divmod(rest, 3600)
    return f"{_day(days)}T{hour:02}:{rest // 60:02}:{rest % 60:02}Z"


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return (date(1970, 1, 1) + timedelta(days)).isoformat()
