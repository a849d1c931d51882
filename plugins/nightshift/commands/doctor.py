"""`nightshift doctor`: what must not stay in the DAG files."""

from __future__ import annotations

from pathlib import Path

import click

from nightshift.commands.show import json_option, print_json


@click.command(short_help="Find leftovers and gaps in the DAG files; exit code 1 if there are any.")
@click.option(
    "--dags",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The DAG files; dags/ of this repository by default.",
)
@json_option
@click.pass_context
def doctor(context: click.Context, dags: Path | None, as_json: bool) -> None:
    """Examine the DAG files: leftovers of older Airflows, and what nobody would miss until the night when it is missing.

    It finds sla=, which Airflow 3 ignores without a word; DAGs without an owner, a page, or a promise; owners whose alerts
    no route takes; promises of schedules that have ended; heavy imports at parse time; and files that cannot be imported.
    Each with its place and the way out.

    \b
    Examples:  nightshift doctor
               nightshift doctor --json | jq '.[] | select(.rule == "sla")'
    """
    from nightshift.declarations import dags_folder
    from nightshift.doctor import examine
    from pipelines.engine.settings import read_settings

    folder = (dags or dags_folder()).resolve()
    found = examine(read_settings(), folder)
    if as_json:
        print_json(found)
    else:
        for finding in found:
            click.echo(f"{finding.file}:{finding.line}: {finding.text}\n    {finding.way_out}")
        click.echo(f"{len(found)} findings in {folder}" if found else f"Nothing to mend in {folder}.")
    if found:
        context.exit(1)
