"""How does each night stand? Read from the ledger's keys, as a pure rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.engine.ledger.values import Entry, iso
from pipelines.engine.steps import NIGHT_STEPS

NightState = Literal["published", "running", "failed", "unfinished"]


@dataclass(frozen=True)
class NightStatus:
    """One night of a pipeline.

    Attributes:
        night: The partition.
        state: `published`; `running` while a key is held; `failed` if the last thing that happened was a failure;
            else `unfinished`. A published night whose later run failed is `failed`, and readers still see what was
            published.
        rows_in: Rows delivered, as of the publication.
        rows_scored: Rows in the table.
        rows_quarantined: Rows refused and kept aside.
        model_version: Of the champion that scored.
        delta_version: Version of the table that the publication made.
        finished_at: When it was published, UTC, such as `2026-11-20T02:03:04Z`.
        error: What failed last, in words; None if nothing did since.
    """

    night: str
    state: NightState
    rows_in: int | None = None
    rows_scored: int | None = None
    rows_quarantined: int | None = None
    model_version: str | None = None
    delta_version: int | None = None
    finished_at: str | None = None
    error: str | None = None


def night_statuses(entries: Iterable[Entry], now: float) -> list[NightStatus]:
    """Return the status of every night that the entries tell of, oldest first.

    Args:
        entries: Keys of one pipeline, in any order.
        now: Seconds since 1970, by the clock of the ledger's database.
    """
    nights: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.step in NIGHT_STEPS:
            nights.setdefault(entry.partition.partition("#")[0], []).append(entry)
    return [_status(night, nights[night], now) for night in sorted(nights)]


def _status(night: str, entries: Sequence[Entry], now: float) -> NightStatus:
    state, error = _state(entries, now)
    published = [entry for entry in entries if entry.step == "publish" and entry.state == "done"]
    if not published:
        return NightStatus(night, state, error=error)
    last = max(published, key=lambda entry: entry.finished_at or 0.0)
    result = last.result or {}
    return NightStatus(
        night,
        state,
        rows_in=result["rows_in"],
        rows_scored=result["rows_scored"],
        rows_quarantined=result["rows_quarantined"],
        model_version=result["model_version"],
        delta_version=result["delta_version"],
        finished_at=iso(last.finished_at or 0.0),
        error=error,
    )


def _state(entries: Sequence[Entry], now: float) -> tuple[NightState, str | None]:
    if any(entry.state == "claimed" and entry.lease_until > now for entry in entries):
        return "running", None
    newest = max(entries, key=lambda entry: max(entry.claimed_at, entry.finished_at or 0.0))
    published = any(entry.step == "publish" and entry.state == "done" for entry in entries)
    if published and newest.step == "monitor":
        return "published", newest.error  # readers have the night, whatever happened afterwards
    if newest.state == "failed":
        return "failed", newest.error
    if published and newest.state == "done":
        return "published", None
    return "unfinished", newest.error
