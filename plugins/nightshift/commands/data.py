"""`nightshift data`: make or fetch a pipeline's rows and labels."""

from __future__ import annotations

import click

from nightshift.commands.show import pipeline_argument, progress


@click.command
@pipeline_argument
def data(pipeline: str) -> None:
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
    if not made.nights:
        click.echo(f"{pipeline} has no night yet: its tables are empty")
        return
    click.echo(
        f"{made.nights} nights from {made.first} to {made.last} with {made.rows:,} rows in {settings.data}/{pipeline}: "
        f"{made.written} files written, {made.unchanged} right already"
    )
