"""How commands talk: tables for people, JSON for programs, progress on stderr.

Colour only where somebody looks: on a terminal that wants it (NO_COLOR is respected), never in a pipe or a file.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from nightshift.commands.completing import complete_pipeline

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.engine.pipeline import Progress

SECONDS_BETWEEN_LINES = 2.0
BETWEEN = "   "
WIDTH_OF_A_PIPE = 1000
"""Where nobody looks no line is folded: programs read lines."""

STYLES = {
    "published": "green",
    "done": "green",
    "passed": "green",
    "ok": "green",
    "champion": "green",
    "resolved": "green",
    "late": "yellow",
    "warned": "yellow",
    "warning": "yellow",
    "at_risk": "yellow",
    "unfinished": "yellow",
    "open": "yellow",
    "challenger": "yellow",
    "failed": "bold red",
    "critical": "bold red",
    "NO": "bold red",
    "running": "cyan",
    "claimed": "cyan",
    "absent": "dim",
    "waiting": "dim",
    "previous": "dim",
}
"""A word that says how something stands has its colour in every table."""

GLYPHS = {"published": "■", "late": "▲", "failed": "✗", "running": "▶", "unfinished": "○", "absent": "·"}
"""A night of a strip; no two differ by colour alone."""

TONES = {"good": True, "notice": False, "bad": False, "waiting": None}
"""Of the views' headlines: whether they are good news."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for a program to read; see docs/json.md."
)
pipeline_argument = click.argument("pipeline", shell_complete=complete_pipeline)


class OneOf(click.Choice[str]):
    """One word of several; a word that is nearly one of them is answered with the one that is meant."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Say which words there are."""
        from pipelines.engine.errors import nearest

        words = [str(word) for word in self.choices]
        return f"{value!r} is none of {', '.join(words)}.{nearest(str(value), words)}"


@dataclass(frozen=True)
class Glyphs:
    """A strip of nights as a cell of a table: glyphs on a terminal, words elsewhere."""

    states: Sequence[str]

    def __str__(self) -> str:
        return ", ".join(f"{self.states.count(state)} {state}" for state in GLYPHS if state in self.states)


def on_terminal() -> bool:
    """Whether a person looks at what is printed."""
    return sys.stdout.isatty()


def print_json(value: object) -> None:
    """Print a value as JSON on stdout; dataclasses as objects."""
    click.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    title: str | None = None,
    spare: Sequence[str] = (),
) -> None:
    """Print a table on stdout, as wide as the terminal; elsewhere no line is folded. Columns without a value are left out.

    Args:
        columns: Headings.
        rows: A value for each column; None for nothing.
        title: Above it.
        spare: Columns that a narrow terminal does without, the first first.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    out = console()
    shown = _fitting(columns, rows, spare, out.width)
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False, show_edge=False)
    for at in shown:
        numbers = all(isinstance(row[at], int | float | None) for row in rows) and bool(rows)
        table.add_column(Text(columns[at]), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[at]) for at in shown))
    if on_terminal():
        out.print(table)
        return
    with out.capture() as printed:
        out.print(table)
    click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


def _fitting(columns: Sequence[str], rows: Sequence[Sequence[object]], spare: Sequence[str], width: int) -> list[int]:
    """Return which columns are shown: those that say something, as many as there is room for."""
    shown = [at for at in range(len(columns)) if not rows or any(row[at] is not None for row in rows)]
    widths = [max(len(columns[at]), *(_width(row[at]) for row in rows), 0) for at in range(len(columns))]
    for name in spare:
        if sum(widths[at] + len(BETWEEN) for at in shown) - len(BETWEEN) <= width:
            break
        shown = [at for at in shown if columns[at] != name]
    return shown


def _width(value: object) -> int:
    if isinstance(value, Glyphs) and on_terminal():
        return len(value.states)
    return max((len(line) for line in str(value).splitlines()), default=0) if value is not None else 0


def _cell(value: object) -> Any:
    from rich.text import Text

    if isinstance(value, Glyphs) and on_terminal():
        return Text.assemble(*((GLYPHS[state], STYLES[state]) for state in value.states))
    text = "" if value is None else str(value)
    return Text(text, style=STYLES.get(text, ""))


def console() -> Console:
    """Return what prints for people on stdout."""
    from rich.console import Console

    return Console(width=None if on_terminal() else WIDTH_OF_A_PIPE, highlight=False, markup=False, emoji=False)


def say(text: str, *, good: bool | None = None, bold: bool = False) -> None:
    """Print a sentence; green where it is good news, red where it is not."""
    colour = None if good is None else "green" if good else "red"
    click.secho(text, fg=colour, bold=bold or None)


def say_title(text: str) -> None:
    """Print what comes next, with an empty line before it."""
    click.echo()
    click.secho(text, bold=True)


def say_list(lines: Sequence[str]) -> None:
    """Print sentences, one below the other."""
    for line in lines:
        click.echo(f"  {line}")


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
