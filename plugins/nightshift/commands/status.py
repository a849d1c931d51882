"""`nightshift status`: how each night stands."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nightshift.commands.show import json_option, pipeline_argument, print_json, print_table

if TYPE_CHECKING:
    from pipelines.engine.status import NightStatus

COLUMNS = (
    "night",
    "state",
    "rows_in",
    "rows_scored",
    "rows_quarantined",
    "model_version",
    "delta_version",
    "finished_at",
)
HEADINGS = ("night", "state", "rows in", "scored", "refused", "model", "version", "published at")


@click.command
@pipeline_argument
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N nights.")
@json_option
def status(pipeline: str, last: int | None, as_json: bool) -> None:
    """Show how each night of a pipeline stands.

    \b
    Examples:  nightshift status flights
               nightshift status flights --json | jq '.[] | select(.state != "published")'
    """
    nights = read_status(pipeline)[-(last or 0) :]
    if as_json:
        print_json([asdict(night) for night in nights])
        return
    if not nights:
        click.echo(f"no night of {pipeline} was ever run. Try: nightshift score {pipeline} NIGHT")
        return
    print_table(HEADINGS, [[asdict(night)[name] for name in COLUMNS] for night in nights])
    for night in nights:
        if night.error:
            click.echo(f"{night.night}: {night.error}")


def read_status(pipeline: str) -> list[NightStatus]:
    """Return the status of every night of a pipeline, oldest first.

    Raises:
        UnknownPipeline: There is none of that name.
        LedgerError: The ledger cannot be read.
    """
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.settings import read_settings
    from pipelines.engine.status import night_statuses

    load_pipeline(pipeline)
    ledger = Ledger(read_settings().ledger_url)
    ledger.check()
    return night_statuses(ledger.entries(pipeline=pipeline), ledger.now())
