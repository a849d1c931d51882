"""`nightshift night-report` and `model-card`: the reports as files of one's own, also of nights that failed."""

from __future__ import annotations

from pathlib import Path

import click

from nightshift.commands.completing import complete_night_in_words, complete_version
from nightshift.commands.run import opened
from nightshift.commands.show import pipeline_argument

output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write it; by default into this folder.",
)


@click.command(short_help="Write everything about a night into one HTML file.")
@pipeline_argument
@click.argument("night", metavar="NIGHT|last|yesterday", shell_complete=complete_night_in_words)
@output_option
def night_report(pipeline: str, night: str, output: Path | None) -> None:
    """Write everything about a night into one HTML file, however the night stands.

    Each night that was monitored has such a report already, beside its check report. This one is of now: it knows what
    happened since, and a night that failed has one, too.

    \b
    Examples:  nightshift night-report flights 2013-11-19
               nightshift night-report flights last --output last-night.html
    """
    from nightshift.commands.house import one_night, open_house
    from pipelines.engine.reports.writing import read_night

    with opened(pipeline) as (runtime, declared):
        wanted = one_night(night, pipeline, open_house(), runtime.settings)
        page = read_night(runtime, declared, wanted, written_by="nightshift night-report", elsewhere=True)
    _write(page, output or Path(f"{pipeline}-{wanted}.html"))


@click.command(short_help="Write what a version is, learned and proved into one HTML file.")
@pipeline_argument
@click.argument("version", shell_complete=complete_version)
@output_option
def model_card(pipeline: str, version: str, output: Path | None) -> None:
    """Write what a version is for, learned and proved, and how to make it again, into one HTML file.

    Each version got such a card when it was registered; MLflow keeps it with the run.

    \b
    Examples:  nightshift model-card flights 3
               nightshift model-card flights 3 --output card.html
    """
    from pipelines.engine.reports.writing import read_model

    with opened(pipeline) as (runtime, declared):
        page = read_model(runtime, declared, version, written_by="nightshift model-card", elsewhere=True)
    _write(page, output or Path(f"{pipeline}-version-{version}.html"))


def _write(page: str, file: Path) -> None:
    from pipelines.engine.storage.location import here

    click.echo(str(here(file.expanduser().resolve()).write_text(page)))
