"""`nightshift check-pipeline`: what a pipeline still lacks before it may go to production."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightshift.commands.show import json_option, pipeline_argument, print_json

if TYPE_CHECKING:
    from nightshift.readiness import Gap


@click.command("check-pipeline", short_help="Say what a pipeline lacks before production; exit code 1 if anything.")
@pipeline_argument
@json_option
@click.pass_context
def check_pipeline(context: click.Context, pipeline: str, as_json: bool) -> None:
    """Say what is still missing before a pipeline may go to production, each with what to do.

    It looks for bounds and gates that nobody has reviewed; DAGs without an owner or a promise; owners whose alerts reach
    nobody; too few nights, labels, tests and slices; and a champion. Notes are good to know and do not count.

    \b
    Examples:  nightshift check-pipeline flights
               nightshift check-pipeline flights --json | jq -r '.missing[].rule'
    """
    from nightshift.connections import open_doors
    from nightshift.readiness import gaps_of, gather

    found = gaps_of(gather(open_doors(), pipeline))
    missing, notes = [gap for gap in found if gap.blocks], [gap for gap in found if not gap.blocks]
    if as_json:
        from nightshift.commands.shapes import ReadinessAnswer

        print_json(ReadinessAnswer(pipeline, not missing, tuple(missing), tuple(notes)))
    else:
        _say(pipeline, missing, notes)
    if missing:
        context.exit(1)


def _say(pipeline: str, missing: list[Gap], notes: list[Gap]) -> None:
    for gap in missing:
        click.echo(f"{_place(gap)}{gap.text}\n    {gap.way_out}")
    for gap in notes:
        click.echo(f"note: {_place(gap)}{gap.text}\n    {gap.way_out}")
    things = "1 thing is" if len(missing) == 1 else f"{len(missing)} things are"
    click.echo(f"{things} missing before {pipeline} may go to production" if missing else f"{pipeline} is ready")


def _place(gap: Gap) -> str:
    if not gap.file:
        return ""
    return f"{gap.file}:{gap.line}: " if gap.line else f"{gap.file}: "
