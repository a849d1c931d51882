"""`nightshift tidy`: what nobody needs any more."""

from __future__ import annotations

from typing import Any

import click

from nightshift.commands.completing import complete_pipeline
from nightshift.commands.show import json_option, print_json, print_table, progress
from pipelines.engine.retention import DEFAULT_RETENTION, parse_retention
from pipelines.engine.sizes import readable

COLUMNS = ("kind", "what", "count", "size", "reason", "oldest")


@click.command(short_help="Find what nobody needs any more; remove it with --apply.")
@click.argument("pipeline", required=False, shell_complete=complete_pipeline)
@click.option(
    "--retention",
    default=DEFAULT_RETENTION,
    show_default=True,
    metavar="DAYS",
    help="Keep what is younger; 7d or more.",
)
@click.option("--apply", is_flag=True, help="Remove it. Without this, nothing is changed at all.")
@json_option
def tidy(pipeline: str | None, retention: str, apply: bool, as_json: bool) -> None:
    """Find what nobody needs any more, of one pipeline or of all, and remove it if told to.

    Shard files that no version of a table has named for as long as the retention, those of attempts that were
    overtaken, reports of superseded checks, what killed writers left, old events of the ledger, and what was deleted
    in MLflow. Without PIPELINE also this machine's cache.

    Never removed: what readers see, quarantined rows of published nights, what a running task holds, and keys of the
    ledger. A finished night stays finished.

    \b
    Examples:  nightshift tidy
               nightshift tidy flights --retention 6w --apply
    """
    from nightshift.connections import open_doors
    from nightshift.maintenance import pipelines_of
    from pipelines.engine.tidy import tidy as tidy_up

    days = parse_retention(retention)
    declared = pipelines_of(pipeline)
    with progress() as show:
        runtime = open_doors(wait=True, progress=show)
        report = tidy_up(runtime, declared, retention_days=days, everything=pipeline is None, dry_run=not apply)
    if as_json:
        print_json(report)
        return
    _print(report, " ".join(filter(None, ("nightshift tidy", pipeline, f"--retention {retention}", "--apply"))))


def _print(report: dict[str, Any], command: str) -> None:
    rows = [[{**row, "size": readable(row["bytes"])}[name] for name in COLUMNS] for row in report["found"]]
    if rows:
        print_table(COLUMNS, rows)
    for note in report["notes"]:
        click.echo(note)
    if not rows:
        click.echo("There is nothing to tidy up.")
    elif report["dry_run"]:
        click.echo(f"{readable(report['bytes'])} may go; nothing was removed. To remove it: {command}")
    else:
        click.echo(f"{readable(report['bytes'])} were removed.")
