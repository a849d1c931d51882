"""How things stand in one sentence, for who has time for one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pipelines.engine.views.glance import Glance, Tone
from pipelines.engine.views.strip import Cell, CellState, Strip

TONES: dict[CellState, Tone] = {
    "published": "good",
    "late": "notice",
    "unfinished": "notice",
    "running": "waiting",
    "absent": "notice",
    "failed": "bad",
}
WORST_FIRST: tuple[Tone, ...] = ("bad", "notice", "waiting", "good")
STATES: tuple[tuple[CellState, str], ...] = (
    ("failed", "failed"),
    ("late", "published late"),
    ("unfinished", "stopped in between"),
    ("absent", "not begun"),
    ("running", "running"),
)


UNPUBLISHED: tuple[CellState, ...] = ("failed", "unfinished")


def last_night(strips: Sequence[Strip]) -> Glance:
    """Return how the newest night of each pipeline stands."""
    newest = {strip.pipeline: strip.nights[-1] for strip in strips if strip.nights}
    if not newest:
        return Glance("waiting", "No night was scored yet.")
    nights = {cell.night for cell in newest.values()}
    which = f"Last night, {nights.pop()}" if len(nights) == 1 else "The newest nights"
    published = sum(cell.state in ("published", "late") for cell in newest.values())
    tones: set[Tone] = {TONES[cell.state] for cell in newest.values()}
    broken = [strip.pipeline for strip in strips if strip.broken]
    open_incidents = sum(strip.open_incidents for strip in strips)
    missing = [
        f"{strip.pipeline} {cell.night}" for strip in strips for cell in _before(strip) if cell.state in UNPUBLISHED
    ]
    tones |= {"notice"} if open_incidents or broken or missing else set()
    tone = next(tone for tone in WORST_FIRST if tone in tones)
    ending = _on_time(list(newest.values()))
    sentence = f"{which}: {published} of {len(newest)} published{ending}."
    return Glance(
        tone, sentence, (*_troubles(newest), *_missing(missing), *_declarations(broken), *_incidents(open_incidents))
    )


def _on_time(newest: Sequence[Cell]) -> str:
    late = sum(cell.state == "late" for cell in newest)
    promised = sum(cell.margin_seconds is not None for cell in newest)
    if late:
        return f", {late} of them late"
    return ", on time" if promised and all(cell.state == "published" for cell in newest) else ""


def _troubles(newest: dict[str, Cell]) -> list[str]:
    counts = Counter(cell.state for cell in newest.values())
    lines = []
    for state, words in STATES:
        if counts[state]:
            names = [name for name, cell in newest.items() if cell.state == state]
            lines.append(f"{words.capitalize()}: {_some(names)}.")
    return lines


def _before(strip: Strip) -> Sequence[Cell]:
    """The nights of the week before the newest one."""
    return strip.nights[-8:-1]


def _missing(missing: Sequence[str]) -> list[str]:
    return [f"Not published in the week before: {_some(missing)}."] if missing else []


def _declarations(broken: Sequence[str]) -> list[str]:
    return [f"The declaration cannot be read: {_some(broken)}."] if broken else []


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _incidents(open_incidents: int) -> list[str]:
    if not open_incidents:
        return []
    return [f"{open_incidents} {'incident is' if open_incidents == 1 else 'incidents are'} open."]
