"""`nightshift data`: make or fetch a pipeline's rows and labels."""

from __future__ import annotations

import click

from nightshift.commands.show import pipeline_argument, progress


@click.command
@pipeline_argument
def data(pipeline: str) -> None:
    """Make a pipeline's rows and labels, one file per night. Files that are right already are left alone.

    \b
    Example:  nightshift data flights
    """
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.errors import UsageError
    from pipelines.engine.settings import read_settings

    declared = load_pipeline(pipeline)
    if declared.prepare is None:
        raise UsageError(
            f"{pipeline} makes no data of its own: its files are delivered to {read_settings().data / pipeline}/rows/. "
            "Declare `prepare=` in its Pipeline to make or fetch them."
        )
    folder = read_settings().data / pipeline
    with progress() as show:
        made = declared.prepare(folder, progress=show)
    click.echo(
        f"{made.nights} nights from {made.first} to {made.last} with {made.rows:,} rows in {folder}: "
        f"{made.written} files written, {made.unchanged} right already"
    )
