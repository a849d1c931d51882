"""`nightshift drill`: break nights on purpose, and count the rows."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightshift.commands.show import OneOf, json_option, print_json, print_table, progress

if TYPE_CHECKING:
    from nightshift.drill.course import Result


@click.command(short_help="Break nights on purpose in a sandbox, and count the rows.")
@click.option("--only", metavar="NAME", multiple=True, help="Only this fault; may be given several times.")
@click.option("--list", "show_list", is_flag=True, help="List the faults, and break nothing.")
@click.option("--ledger", type=OneOf(["sqlite", "postgres"]), default="sqlite", show_default=True)
@click.option("--tables", type=OneOf(["local", "s3"]), default="local", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything that is drawn by lot.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the sandbox in this folder.")
@click.option(
    "--sabotage",
    type=OneOf(["publish-fence", "finish-fence"]),
    multiple=True,
    help="Disable this check of Nightshift's, to see that the drill notices; may be given several times.",
)
@json_option
def drill(
    only: tuple[str, ...],
    show_list: bool,
    ledger: Any,
    tables: Any,
    seed: int,
    keep: Path | None,
    sabotage: Any,
    as_json: bool,
) -> None:
    """Break nights in every way that we know, and count the rows: none may be lost, doubled or left undecided.

    Each fault gets a sandbox of its own, with real processes, and a judge that shares no code with Nightshift. Your
    own data, ledger and tables are never touched. Exit status 1: something was not survived.

    \b
    Examples:  nightshift drill
               nightshift drill --only kill-inside-write --only disk-full
               nightshift drill --ledger postgres --tables s3 --json
    """
    from nightshift.drill.course import choose, run_drill

    faults = choose(only)
    if show_list:
        print_table(("fault", "what is done", "what is promised"), [(f.name, f.done, f.expected) for f in faults])
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whoever ends us wants the sandbox gone, too
    results = []
    with progress() as show:
        run = run_drill(faults, ledger=ledger, tables=tables, seed=seed, sabotage=sabotage, keep=keep, progress=show)
        for result in run:
            results.append(result)
            if not result.survived:
                click.echo(f"{result.name}: {result.seen}", err=True)
    if as_json:
        print_json({"faults": [result.to_json() for result in results]})
    else:
        _show(results)
    sys.exit(0 if all(result.survived for result in results) else 1)


def _show(results: list[Result]) -> None:
    columns = ("fault", "done", "expected", "seen", "survived", "lost", "doubled", "undecided", "recovery s")
    print_table(
        columns,
        [
            (
                r.name,
                r.done,
                r.expected,
                r.seen,
                "yes" if r.survived else "NO",
                r.rows_lost,
                r.rows_doubled,
                r.undecided,
                r.recovery_s,
            )
            for r in results
        ],
    )
    survived = sum(result.survived for result in results)
    click.echo(
        f"{survived} of {len(results)} faults survived; {sum(r.rows_lost for r in results)} rows lost, "
        f"{sum(r.rows_doubled for r in results)} doubled, {sum(r.undecided for r in results)} undecided"
    )
