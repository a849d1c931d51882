"""`nightshift status`: is last night good, and how does each night stand?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightshift.commands.completing import complete_pipeline
from nightshift.commands.show import GLYPHS, TONES, Glyphs, json_option, on_terminal, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.engine.views.strip import Cell, Strip

NIGHTS = 60
NIGHTS_OF_A_STRIP = 14
HEADINGS = ("night", "state", "rows in", "scored", "refused", "model", "version", "published at", "margin")
SPARE = ("version", "margin", "published at", "model")
OVERVIEW = ("pipeline", "nights", "newest", "state", "rows in", "refused", "model", "published at", "incidents")
SPARE_OVERVIEW = ("published at", "model", "refused", "rows in")


@click.command(short_help="Say whether last night is good, and how each night stands.")
@click.argument("pipeline", required=False, shell_complete=complete_pipeline)
@click.option(
    "--last",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Only the newest N nights; {NIGHTS_OF_A_STRIP} in the overview, {NIGHTS} of one pipeline.",
)
@json_option
def status(pipeline: str | None, last: int | None, as_json: bool) -> None:
    """Say whether last night is good: of all pipelines, or every night of one.

    \b
    Examples:  nightshift status
               nightshift status flights --last 7
               nightshift status flights --json | jq '.[] | select(.state != "published")'
    """
    from nightshift.commands.house import open_house
    from pipelines.engine.views.last_night import last_night

    if pipeline is not None:
        _one(pipeline, last or NIGHTS, as_json)
        return
    strips = open_house().strips(last=last or NIGHTS_OF_A_STRIP)
    if as_json:
        print_json(strips)
        return
    said = last_night(strips)
    say(" ".join((said.sentence, *said.lines)), good=TONES[said.tone])
    if strips:
        print_table(OVERVIEW, [_overview(strip) for strip in strips], spare=SPARE_OVERVIEW)
    _say_glyphs([cell.state for strip in strips for cell in strip.nights])
    _say_trouble(strips)


def _one(pipeline: str, last: int, as_json: bool) -> None:
    [strip] = read_strips(pipeline, last=last)
    if as_json:
        print_json(strip.nights)
        return
    if not strip.nights:
        say(f"No night of {pipeline} was run yet. Run one: nightshift score {pipeline} NIGHT")
        return
    show_nights(strip.nights)
    _say_trouble([strip])


def read_strips(pipeline: str, *, last: int = NIGHTS) -> list[Strip]:
    """Return the strip of one pipeline.

    Raises:
        UnknownPipeline: There is none of that name.
        LedgerError: The ledger cannot be read.
    """
    from nightshift.commands.house import open_house

    return open_house().strips(last=last, only=pipeline)


def show_nights(nights: Sequence[Cell]) -> None:
    """Print a table of nights, oldest first, and what went wrong in them."""
    print_table(HEADINGS, [_row(cell) for cell in nights], spare=SPARE)
    for cell in nights:
        if cell.error:
            click.echo(f"{cell.night}: {cell.error}")


def _row(cell: Cell) -> tuple[object, ...]:
    return (
        cell.night,
        cell.state,
        cell.rows_in,
        cell.rows_scored,
        cell.rows_quarantined,
        cell.model_version,
        cell.delta_version,
        cell.published_at,
        margin_told(cell.margin_seconds),
    )


def margin_told(seconds: float | None) -> str | None:
    """Say how long before the promised time something was, such as `2 h early`."""
    from pipelines.engine.durations import duration

    if seconds is None:
        return None
    return f"{duration(abs(seconds))} {'early' if seconds >= 0 else 'late'}"


def _overview(strip: Strip) -> tuple[object, ...]:
    glyphs = Glyphs([cell.state for cell in strip.nights])
    incidents = strip.open_incidents or None
    if not strip.nights:
        return (strip.pipeline, glyphs, None, None, None, None, None, None, incidents)
    newest = strip.nights[-1]
    return (
        strip.pipeline,
        glyphs,
        newest.night,
        newest.state,
        newest.rows_in,
        newest.rows_quarantined,
        newest.model_version,
        newest.published_at,
        incidents,
    )


def _say_glyphs(states: Sequence[str]) -> None:
    if on_terminal() and states:
        click.echo("  ".join(f"{glyph} {state}" for state, glyph in GLYPHS.items() if state in states))


def _say_trouble(strips: Sequence[Strip]) -> None:
    for strip in strips:
        if strip.trouble:
            click.echo(f"{strip.pipeline}: {strip.trouble}")
    if any(strip.open_incidents for strip in strips):
        click.echo("See what is open: nightshift incidents")
