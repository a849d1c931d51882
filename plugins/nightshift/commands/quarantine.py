"""`nightshift quarantine`: which rows of a night were refused, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightshift.commands.completing import complete_night_in_words
from nightshift.commands.show import json_option, pipeline_argument, print_json, print_table, say, say_title

if TYPE_CHECKING:
    from pipelines.engine.storage import Location
    from pipelines.engine.views.quarantine import RefusedRows

IDS_ONLY = 100
"""A terminal narrower than this shows which rows they are, and not what else is in them."""


@dataclass(frozen=True)
class RefusedGroup:
    """Rows that were refused for the same reasons.

    Attributes:
        reasons: In words, as the suite says them.
        rows: How many there are.
        samples: Some of them: a text by column; None where the value is missing, `(hidden)` where it is sensitive.
    """

    reasons: str
    rows: int
    samples: tuple[dict[str, str | None], ...]


@dataclass(frozen=True)
class RefusedAnswer:
    """What `nightshift quarantine --json` prints.

    Attributes:
        pipeline, night: Which.
        rows: How many rows were refused.
        file: The Parquet file that keeps them whole; None if none was refused.
        groups: By reasons, the most frequent first.
        hidden: Columns whose values are not shown.
    """

    pipeline: str
    night: str
    rows: int
    file: str | None
    groups: tuple[RefusedGroup, ...]
    hidden: tuple[str, ...]


@click.command(short_help="Show which rows of a night were refused, and why.")
@pipeline_argument
@click.argument("night", metavar="NIGHT|last|yesterday", shell_complete=complete_night_in_words)
@click.option(
    "--samples", type=click.IntRange(0, 100), default=3, show_default=True, help="Rows to show for each reason."
)
@click.option(
    "--csv", "csv", type=click.Path(dir_okay=False, path_type=Path), help="Write all refused rows to this file."
)
@click.option("--path", "only_path", is_flag=True, help="Print only where the refused rows are.")
@json_option
def quarantine(pipeline: str, night: str, samples: int, csv: Path | None, only_path: bool, as_json: bool) -> None:
    """Show the refused rows of a night by reason, with some of them to look at.

    Columns that are declared sensitive are hidden, here and in the CSV file; the Parquet file that --path names has the
    rows as they were delivered.

    \b
    Examples:  nightshift quarantine flights 2013-11-19
               nightshift quarantine flights 2013-11-19 --csv refused.csv
               duckdb -c "SELECT * FROM '$(nightshift quarantine flights 2013-11-19 --path)'"
    """
    from nightshift.commands.house import one_night, open_house
    from nightshift.commands.refused import quarantine_file, write_csv
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.settings import read_settings
    from pipelines.engine.views.quarantine import read_refused

    declared, settings, house = load_pipeline(pipeline), read_settings(), open_house()
    night = one_night(night, pipeline, house, settings)
    file = quarantine_file(settings, house.night(pipeline, night))
    if only_path:
        _print_path(file, pipeline, night)
        return
    refused = read_refused(file, declared, samples=samples) if file else None
    if csv is not None and file is not None:
        written = write_csv(file, declared, csv)
        click.echo(f"{written} refused rows of {pipeline} {night} are in {csv}.", err=as_json)
    if as_json:
        print_json(_answer(pipeline, night, file, refused))
    elif csv is None or refused is None:
        _show(pipeline, night, file, refused, declared.id_columns)


def _print_path(file: Location | None, pipeline: str, night: str) -> None:
    if file is None:
        click.echo(_none(pipeline, night), err=True)
        raise SystemExit(1)
    click.echo(str(file))


def _none(pipeline: str, night: str) -> str:
    return f"No row of {pipeline} {night} was refused."


def _answer(pipeline: str, night: str, file: Location | None, refused: RefusedRows | None) -> RefusedAnswer:
    if refused is None:
        return RefusedAnswer(pipeline, night, 0, None, (), ())
    groups = tuple(
        RefusedGroup(
            group.reasons,
            group.rows,
            tuple(dict(zip(refused.columns, sample, strict=True)) for sample in group.samples),
        )
        for group in refused.groups
    )
    return RefusedAnswer(pipeline, night, refused.rows, str(file), groups, refused.hidden)


def _show(pipeline: str, night: str, file: Location | None, refused: RefusedRows | None, id_columns: object) -> None:
    from nightshift.commands.show import console, on_terminal
    from pipelines.engine.views.telling import counted

    if refused is None:
        say(_none(pipeline, night))
        return
    say(
        f"{counted(refused.rows, 'row')} of {pipeline} {night} {'was' if refused.rows == 1 else 'were'} refused.",
        bold=True,
    )
    print_table(("rows", "reason"), [(group.rows, group.reasons) for group in refused.groups])
    ids = ("position", *(id_columns if isinstance(id_columns, list | tuple) else ()))
    narrow = on_terminal() and console().width < IDS_ONLY
    for group in refused.groups:
        if group.samples:
            say_title(group.reasons)
            _show_samples(refused.columns, group.samples, ids if narrow else None)
    if refused.hidden:
        say(f"Hidden, because they are declared sensitive: {', '.join(refused.hidden)}.")
    click.echo(f"All of them: {file}")


def _show_samples(
    columns: tuple[str, ...], samples: tuple[tuple[str | None, ...], ...], only: tuple[str, ...] | None
) -> None:
    """Print rows on their side: rows have more columns than a terminal, and are read one by one."""
    shown = [at for at, name in enumerate(columns) if only is None or name in only]
    headings = ("column", *(f"row {number}" for number in range(1, len(samples) + 1)))
    print_table(headings, [(columns[at], *(sample[at] for sample in samples)) for at in shown])
