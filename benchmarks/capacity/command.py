"""`python -m benchmarks capacity`: how far one house goes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import click

from benchmarks.capacity.page import write_page
from benchmarks.capacity.scale import FULL, QUICK, Scale
from benchmarks.machine import anonymous, describe
from benchmarks.places import REPOSITORY
from benchmarks.results import Found, Results, read_results, write_results

RESULTS = REPOSITORY / "benchmarks" / "capacity.json"
PAGE = REPOSITORY / "docs" / "capacity.md"
PARTS = ("parsing", "airflow", "promises", "claims", "history")
"""Modules of this package with `measure(folder, scale)`."""


@click.command()
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Run this part alone (may be repeated).")
@click.option("--quick", is_flag=True, help="Small numbers: does it run? Says nothing about speed.")
@click.option("--pipelines", type=click.IntRange(2), help="The largest house. [default: 1000]")
@click.option(
    "--write/--no-write", default=None, help="Write capacity.json and docs/capacity.md. [default: unless quick]"
)
def capacity(only: tuple[str, ...], quick: bool, pipelines: int | None, write: bool | None) -> None:
    """Measure 10, 100 and 1,000 pipelines, years of history and many workers; write docs/capacity.md.

    Needs PostgreSQL's server; PgBouncer is measured where it is installed. On a quiet machine with two cores it takes a
    quarter of an hour, ten minutes of it the part `airflow`.
    """
    scale = QUICK if quick else FULL
    if pipelines:
        scale = replace(scale, pipelines=(*(size for size in scale.pipelines if size < pipelines), pipelines))
    results = measure(only or PARTS, scale)
    for found in results.studies.values():
        _show(found)
    for name, why in results.broken.items():
        click.echo(f"  not measured  {name}: {why}")
    if not quick if write is None else write:
        earlier = read_results(RESULTS)
        whole = results.replacing(earlier) if earlier else results
        still = {
            name: why for name, why in whole.broken.items() if name in results.broken or name not in (only or PARTS)
        }
        whole = replace(whole, broken=still)
        write_results(whole, RESULTS)
        write_page(whole, PAGE)
        click.echo(f"\nwrote {RESULTS.name} and {PAGE.name}")


def measure(parts: Sequence[str], scale: Scale) -> Results:
    """Run parts, each in an empty folder; one that breaks is reported and does not lose the figures of the others."""
    studies: dict[str, Found] = {}
    broken: dict[str, str] = {}
    for name in parts:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="nightshift-capacity-") as folder:
            place = Path(folder)
            try:
                studies |= import_module(f"benchmarks.capacity.{name}").measure(place / "part", scale)
            except Exception as error:
                broken[name] = anonymous(f"{type(error).__name__}: {error}", place)
        click.echo(f"{name}: {time.monotonic() - began:.0f} s", err=True)
    return Results(describe(), studies, broken, datetime.now(UTC).strftime("%Y-%m-%d %H:%M"))


def _show(found: Found) -> None:
    from benchmarks.page import figure

    click.echo(f"\n{found.title}")
    for name, figures in found.rows.items():
        click.echo(f"  {name:<48} {'  '.join(f'{key} {figure(value)}' for key, value in figures.items())}")
    for target in found.targets:
        said = "holds" if target.holds else "does not hold"
        click.echo(f"  {target.name}: {figure(target.reached)}, at most {figure(target.target)}: {said}")
