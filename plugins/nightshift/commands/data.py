"""`nightshift data`: make or fetch a pipeline's rows and labels."""

from __future__ import annotations

from dataclasses import asdict

import click

from nightshift.commands.show import json_option, pipeline_argument, print_json, progress


@click.command(short_help="Make a pipeline's rows and labels, one file per night.")
@pipeline_argument
@json_option
def data(pipeline: str, as_json: bool) -> None:
    """Make a pipeline's rows and labels, one file per night, or take them from its tables.

    Files that are right already are left alone.

    \b
    Example:  nightshift data flights
    """
    from nightshift.connections import open_storage
    from nightshift.connections.sql import ask_airflow
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.delivery import deliver
    from pipelines.engine.settings import read_settings

    declared, settings = load_pipeline(pipeline), read_settings()
    with progress() as show:
        made = deliver(settings, open_storage(settings), declared, show, ask_airflow(settings))
    folder = f"{settings.data}/{pipeline}"
    if as_json:
        from nightshift.commands.shapes import DeliveredAnswer

        print_json(DeliveredAnswer(**asdict(made), folder=folder))
        return
    if not made.nights:
        click.echo(f"{pipeline} has no night yet: its tables are empty")
        return
    click.echo(
        f"{made.nights} nights from {made.first} to {made.last} with {made.rows:,} rows in {folder}: "
        f"{made.written} files written, {made.unchanged} right already."
    )
