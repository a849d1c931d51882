"""How commands talk: tables for people, JSON for programs, progress on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pipelines.engine.pipeline import Progress

SECONDS_BETWEEN_LINES = 2.0

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
pipeline_argument = click.argument("pipeline")


def print_json(value: object) -> None:
    """Print a value as JSON on stdout."""
    click.echo(json.dumps(value, indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table on stdout; without colour and borders' tricks where nobody looks."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name in columns:
        numbers = all(isinstance(row[columns.index(name)], int | float | None) for row in rows) and bool(rows)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    width = None if sys.stdout.isatty() else 160
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


@contextmanager
def progress() -> Iterator[Progress]:
    """Give a function that shows progress on stderr: a bar on a terminal, some lines elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    look = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*look, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task("", total=None)

        def show(done: int, total: int, what: str) -> None:
            bars.update(bar, completed=done, total=total or None, description=what)

        yield show


class _Lines:
    """Progress for a log file: now and then a line, so that it shows life and stays readable."""

    def __init__(self) -> None:
        self._said_at = 0.0

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now - self._said_at > SECONDS_BETWEEN_LINES:
            counted = f" ({done} of {total})" if total > 1 else ""
            click.echo(f"  {what}{counted}", err=True)
            self._said_at = now
