"""`nightshift secrets`: the passwords and keys of the production stack."""

from __future__ import annotations

from pathlib import Path

import click

from nightshift.commands.show import OneOf, json_option, print_json
from nightshift.secrets.values import ROTATABLE

folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where they lie; docker/secrets of this repository by default.",
)


@click.group(short_help="Make, check and change the passwords of the production stack.")
def secrets() -> None:
    """Make, check and change the passwords and keys of the production stack: a folder with one file for each reader.

    Nothing here ever prints one. docs/secrets.md says who reads which file, and what a change breaks for how long.

    \b
    Examples:  nightshift secrets init
               nightshift secrets check
               nightshift secrets rotate ledger
    """


@secrets.command
@folder_option
def init(folder: Path | None) -> None:
    """Make what is missing, at random. What is there stays as it is, so it may be run again."""
    from secrets import token_bytes

    from nightshift.secrets.folder import initialise

    folder = _folder(folder)
    made = initialise(folder, token_bytes)
    for name in made:
        click.echo(f"  {name}")
    click.echo(f"{len(made)} files written to {folder}." if made else f"All files are there, in {folder}.")


@secrets.command(short_help="Find what is missing, open to others or a default; exit code 1 if anything is.")
@folder_option
@json_option
@click.pass_context
def check(context: click.Context, folder: Path | None, as_json: bool) -> None:
    """Find what is missing, open to others, a default, or not the same in two files; exit code 1 if anything is.

    Never shows a secret.
    """
    from nightshift.secrets.folder import examine

    folder = _folder(folder)
    found = examine(folder)
    if as_json:
        print_json(found)
    else:
        for problem in found:
            click.echo(f"{problem.text}\n    {problem.way_out}")
        click.echo(f"{len(found)} findings in {folder}" if found else f"Nothing to mend in {folder}.")
    if found:
        context.exit(1)


@secrets.command(short_help="Give one of them another value, in all files that hold it.")
@click.argument("name", type=OneOf(ROTATABLE), metavar="NAME")
@folder_option
@click.option(
    "--tell",
    metavar="URL",
    help="Let Postgres know at once, as its superuser: postgresql://postgres@HOST:PORT/postgres.",
)
def rotate(name: str, folder: Path | None, tell: str | None) -> None:
    """Give a secret another value, in all files that hold it, and say what is to be done so that it is used.

    A role of the database is named by itself: ledger, ledger_owner, airflow, mlflow, celery, postgres.

    \b
    Examples:  nightshift secrets rotate ledger --tell postgresql://postgres@127.0.0.1/postgres
               nightshift secrets rotate jwt_secret
    """
    from secrets import token_bytes

    from nightshift.secrets import telling
    from nightshift.secrets.folder import rotate as rotate_in

    folder = _folder(folder)
    written = telling.rotate_and_tell(folder, name, token_bytes, tell) if tell else rotate_in(folder, name, token_bytes)
    for file in written:
        click.echo(f"  {file}")
    click.echo(f"{name} has another value in {folder}.")
    if not tell:
        click.echo(telling.NEXT[name])


def _folder(folder: Path | None) -> Path:
    from nightshift.secrets.folder import DEFAULT_FOLDER

    return (folder or DEFAULT_FOLDER).resolve()
