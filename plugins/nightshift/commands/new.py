"""`nightshift new`: a pipeline from data."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from nightshift.commands.show import json_option, print_json

if TYPE_CHECKING:
    from nightshift.commands.shapes import NewPipeline
    from nightshift.scaffold.create import Created
    from pipelines.engine.settings import Settings


@click.command(short_help="Write a pipeline, its checks, DAGs and tests from data.")
@click.argument("name")
@click.option("--data", "source", metavar="PATH|URL", help="A Parquet file or folder, a CSV file, or a database's URL.")
@click.option("--table", metavar="TABLE", help="The table, if the data is in a database.")
@click.option("--labels-table", metavar="TABLE", help="The table or view with the labels, if it is another one.")
@click.option(
    "--id", "ids", multiple=True, metavar="COLUMN", help="Names a row of a night; repeat it if it takes several."
)
@click.option("--label", metavar="COLUMN", help="What is to be predicted.")
@click.option("--partition", metavar="COLUMN", help="A date or time: to which night a row belongs.")
@click.option(
    "--kind", type=click.Choice(["classification", "regression"]), help="Guessed from the label if not given."
)
@click.option("--positive", metavar="VALUE", help="Of a label with two values, the one whose probability is wanted.")
@click.option("--owner", metavar="TEAM", help="Who answers for it; alerts go to this name's routes.")
@click.option("--schedule", default="0 2 * * *", show_default=True, metavar="CRON", help="When a night is scored.")
@click.option("--finish-by", default="06:00", show_default=True, metavar="HH:MM", help="When its scores are needed.")
@click.option("--timezone", default="UTC", show_default=True, help="Of both.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
def new(name: str, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Look at data, and write a pipeline that learns from it: what is not said is asked for, if there is a terminal.

    It writes the pipeline, two suites with bounds learnt from the data, a DAG file with promises, and tests. It never
    overwrites a file. What it could only guess is marked "To be reviewed"; `nightshift check-pipeline NAME` lists it.

    \b
    Examples:  nightshift new churn --data customers.csv --id customer_id --partition day --label left
               nightshift new demand --data sqlite:///shop.db --table sales --id shop --partition day --label sold
    """
    from nightshift.scaffold.create import create
    from nightshift.scaffold.names import check_name
    from pipelines.engine.settings import REPOSITORY, read_settings

    check_name(name)
    created = create(REPOSITORY, _wishes(name, given), dry_run=dry_run)
    commands = [*_preparations(read_settings()), *created.next_commands]
    if as_json:
        print_json(_as_json(created, commands, written=not dry_run))
        return
    _say(created, commands, dry_run)


def _wishes(name: str, given: Mapping[str, Any]) -> Any:
    """Complete what was given, by asking for the rest."""
    from nightshift.scaffold.asking import missing_mistake, suggest
    from nightshift.scaffold.opening import columns_at
    from nightshift.scaffold.values import Wishes
    from pipelines.engine.errors import UsageError

    said = dict(given)
    asks = sys.stdin.isatty()
    if not said["source"]:
        if not asks:
            raise UsageError("say --data as well: a Parquet file or folder, a CSV file, or a database's URL.")
        said["source"] = _prompt("Where is the data (a Parquet or CSV file, or a database's URL)?")
    missing = [option for option in ("ids", "label", "partition") if not said[option]]
    if missing:
        columns = columns_at(said["source"], said["table"])
        if not asks:
            raise missing_mistake([f"--{option.removesuffix('s')}" for option in missing], columns)
        click.echo(f"Its columns are: {', '.join(columns)}", err=True)
        _ask(said, suggest(columns))
    task = said.pop("kind")
    owner = said.pop("owner") or (_prompt("Who answers for it?", _team(name)) if asks else _team(name))
    return Wishes(**{**said, "name": name, "ids": tuple(said["ids"]), "task": task, "owner": owner})


def _team(name: str) -> str:
    from nightshift.scaffold.review import made_up_owner

    return made_up_owner(name)


def _ask(said: dict[str, Any], suggestion: Any) -> None:
    if not said["partition"]:
        said["partition"] = _prompt("Which column says to which night a row belongs?", suggestion.partition)
    if not said["ids"]:
        answer = _prompt("Which column names a row (several: with commas)?", suggestion.ids)
        said["ids"] = tuple(part.strip() for part in answer.split(",") if part.strip())
    if not said["label"]:
        said["label"] = _prompt("Which column is to be predicted?", suggestion.label)


def _prompt(question: str, default: str | None = None) -> str:
    """Ask on stderr: stdout belongs to the answer."""
    answer: str = click.prompt(question, default=default, err=True)
    return answer


def _preparations(settings: Settings) -> list[str]:
    """What must be done once before anything else."""
    from nightshift.commands.house import begins_anew
    from pipelines.engine.errors import LedgerError
    from pipelines.engine.ledger.store import Ledger

    try:
        if not begins_anew(settings):
            Ledger(settings.ledger_url).check()
    except LedgerError:
        return ["nightshift migrate"]
    return []


def _as_json(created: Created, commands: list[str], *, written: bool) -> NewPipeline:
    from nightshift.commands.shapes import NewPipeline

    design = created.design
    return NewPipeline(
        name=design.wishes.name,
        written=written,
        files=tuple(created.files),
        kind=design.target.kind,
        features=tuple(design.features),
        left_out=dict(design.left_out),
        slices=tuple(design.slices),
        nights=len(design.seen.nights),
        window=design.nights.window,
        holdout=design.nights.holdout,
        metric=design.gate.metric,
        threshold=design.gate.threshold,
        notes=tuple(design.notes),
        next=tuple(commands),
    )


def _say(created: Created, commands: list[str], dry_run: bool) -> None:
    design = created.design
    click.echo(
        f"{design.seen.rows:,} rows of {len(design.seen.nights)} nights, {min(design.seen.nights)} to {max(design.seen.nights)}"
    )
    click.echo(f"the model sees: {', '.join(design.features)}")
    for column, why in design.left_out.items():
        click.echo(f"left out: {column} {why}")
    for note in design.notes:
        click.echo(f"note: {note}")
    click.echo("\nwould be written:" if dry_run else "\nwritten:")
    for file in created.files:
        click.echo(f"  {file}")
    if dry_run:
        return
    click.echo("\nnext:")
    for command in commands:
        click.echo(f"  {command}")
    click.echo("\nthe same night by Airflow, once there is a champion:")
    for command in created.airflow_commands:
        click.echo(f"  {command}")
    click.echo(f"\nnightshift check-pipeline {design.wishes.name} says what is missing before it may go to production.")
