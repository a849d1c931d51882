"""`make bench`: what is claimed about speed and memory, measured beside others; and how good early warnings are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.capacity.command import capacity
from benchmarks.machine import anonymous, describe
from benchmarks.page import HIDDEN, figure, write_page
from benchmarks.places import PAGE, PICTURES, RESULTS, here
from benchmarks.results import Found, Results, read_results, write_results
from benchmarks.studies import QUICK, STUDIES, run_study
from benchmarks.studies.scale import FULL_ROWS, QUICK_ROWS, Scale

ROUNDS = 3


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, type=click.Choice(list(STUDIES)), help="Run this study alone (may be repeated).")
@click.option("--rounds", type=click.IntRange(1), help=f"How often each subject runs. [default: {ROUNDS}; quick: 1]")
@click.option(
    "--rows",
    type=click.IntRange(1000),
    help=f"Rows of the scoring study; other sizes follow. [default: {FULL_ROWS:,}; quick: {QUICK_ROWS:,}]",
)
@click.option(
    "--quick", is_flag=True, help="Some studies, smaller, once, and without Spark, Ray, pandera and MLflow's command."
)
@click.option(
    "--write/--no-write", default=None, help="Write results.json and docs/performance.md. [default: unless quick]"
)
@click.pass_context
def main(
    context: click.Context, only: tuple[str, ...], rounds: int | None, rows: int | None, quick: bool, write: bool | None
) -> None:
    """Run all studies (or some), print what was reached, and write results.json and docs/performance.md.

    \b
    Examples:  python -m benchmarks --only scoring --rounds 1
               python -m benchmarks --quick
               python -m benchmarks page
               python -m benchmarks capacity --only claims
    """
    if context.invoked_subcommand:
        return
    scale = Scale(rows or (QUICK_ROWS if quick else FULL_ROWS), heavy_peers=not quick)
    results = measure(list(only or (QUICK if quick else STUDIES)), rounds or (1 if quick else ROUNDS), scale)
    show(results)
    if scale.rows < FULL_ROWS:
        click.echo(f"\nTargets are meant for {FULL_ROWS:,} rows; with fewer, imports are most of what is measured.")
    if not quick if write is None else write:
        earlier = read_results(RESULTS)
        whole = results.replacing(earlier) if earlier else results
        write_results(whole, RESULTS)
        write_page(whole, PAGE, PICTURES)
        click.echo(f"\nwrote {RESULTS.name} and {PAGE.name}")


main.add_command(capacity)


@main.command()
def promises() -> None:
    """Print how good early warnings are, on simulated months."""
    from benchmarks.promises.backtest import main as backtest

    backtest(here().folder.parent / "reports" / "benchmarks")


@main.command()
def page() -> None:
    """Write docs/performance.md again from results.json."""
    results = read_results(RESULTS)
    if results is None:
        raise click.ClickException("there are no results yet. Make them: make bench")
    write_page(results, PAGE, PICTURES)
    click.echo(f"wrote {PAGE.name}")


@main.command()
def profile() -> None:
    """Draw flame graphs of scoring and of a night into docs/images."""
    from benchmarks.profiles import draw_profiles

    for path in draw_profiles(here(), PICTURES):
        click.echo(f"wrote {path.name}")


def measure(names: list[str], rounds: int, scale: Scale) -> Results:
    """Run studies; one that breaks is reported and does not lose the figures of the others."""
    folder = here().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    studies: dict[str, Found] = {}
    broken: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        click.echo(f"study {number} of {len(names)}: {name}", err=True)
        try:
            studies[name] = _anonymous(run_study(name, folder, rounds, scale), folder)
        except Exception as error:
            broken[name] = anonymous(f"{type(error).__name__}: {_words(error)}", folder)
            click.echo(f"  {broken[name]}", err=True)
    return Results(describe(), studies, broken, datetime.now(UTC).strftime("%Y-%m-%d %H:%M"))


def show(results: Results) -> None:
    """Print figures, failures and targets."""
    for found in results.studies.values():
        click.echo(f"\n{found.title}")
        for name, figures in found.rows.items():
            shown = "  ".join(f"{key} {figure(value)}" for key, value in figures.items() if key not in HIDDEN)
            click.echo(f"  {name:<44} {shown}")
        for failure in found.failures.values():
            click.echo(f"  failed: {failure}")
    click.echo("\nTargets")
    for target in results.targets:
        bound = "at least" if target.at_least else "at most"
        click.echo(
            f"  {'holds   ' if target.holds else 'DOES NOT'}  {target.name}: {figure(target.reached)}, {bound} {figure(target.target)}"
        )
    for name, why in results.broken.items():
        click.echo(f"  not run  {name}: {why}")


def _words(error: Exception) -> str:
    return error.format_message() if isinstance(error, click.ClickException) else str(error)


def _anonymous(found: Found, folder: Path) -> Found:
    return replace(found, failures={name: anonymous(text, folder) for name, text in found.failures.items()})


if __name__ == "__main__":
    main()
