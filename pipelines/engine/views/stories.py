"""A key's history in plain words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.engine.ledger.values import Entry, Event, iso

SENTENCES = {
    "claimed": "{holder} claimed it",
    "taken_over": "{holder} took it over, because the lease of {from} had run out",
    "finished": "{holder} finished it",
    "failed": "{holder} failed: {reason}",
    "released": "{holder} gave it back unfinished: {reason}",
    "forced": "{holder} opened it again on purpose: {reason}",
}


@dataclass(frozen=True)
class Line:
    """One thing that happened to a key.

    Attributes:
        at: Such as `2026-11-20T02:03:04Z`.
        event: `claimed`, `taken_over`, `finished`, `failed`, `released` or `forced`.
        fence, generation: Under which it happened.
        holder: Who.
        sentence: All of it in words.
    """

    at: str
    event: str
    fence: int
    generation: int
    holder: str
    sentence: str


@dataclass(frozen=True)
class Story:
    """One key, and what happened to it, oldest first.

    Attributes:
        key: Its digest.
        pipeline, step, partition, state, fence, generation, holder: As in the ledger.
        claimed_at, finished_at: Such as `2026-11-20T02:03:04Z`; `finished_at` is None before the end.
        seconds: From the last claim to the end; None before it.
        error: What failed last, in words.
        superseded: What took its place, in words; None if nothing did.
        lines: Its history.
    """

    key: str
    pipeline: str
    step: str
    partition: str
    state: str
    fence: int
    generation: int
    holder: str
    claimed_at: str
    finished_at: str | None
    seconds: float | None
    error: str | None
    superseded: str | None
    lines: tuple[Line, ...]


def sentence(event: Event) -> str:
    """Say in words what happened."""
    return SENTENCES[event.event].format_map({"from": "", "reason": "", **event.detail, "holder": event.holder})


def story(entry: Entry, events: Sequence[Event], superseded: object = None) -> Story:
    """Tell what happened to a key.

    Args:
        entry: The key as it stands.
        events: Its history, oldest first.
        superseded: What took its place; says so as text.
    """
    return Story(
        key=entry.key,
        pipeline=entry.pipeline,
        step=entry.step,
        partition=entry.partition,
        state=entry.state,
        fence=entry.fence,
        generation=entry.generation,
        holder=entry.holder,
        claimed_at=iso(entry.claimed_at),
        finished_at=iso(entry.finished_at) if entry.finished_at is not None else None,
        seconds=round(entry.finished_at - entry.claimed_at, 3) if entry.finished_at is not None else None,
        error=entry.error,
        superseded=str(superseded) if superseded else None,
        lines=tuple(
            Line(iso(event.at), event.event, event.fence, event.generation, event.holder, sentence(event))
            for event in events
        ),
    )
