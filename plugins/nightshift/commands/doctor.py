"""`nightshift doctor`: what must not stay in the DAG files, and what must not stay so in production."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightshift.commands.show import json_option, print_json, progress, say_title

if TYPE_CHECKING:
    from nightshift.hardening import Examined

WORDS = {
    "green": "ok",
    "warning": "warning",
    "red": "RED",
    "unseen": "UNSEEN",
    "accepted": "accepted",
    "not_used": "not used",
}
NO_TELEMETRY = {"AIRFLOW__METRICS__OTEL_ON": "False", "AIRFLOW__TRACES__OTEL_ON": "False"}
"""Whoever looks for a moment is none of the processes that are watched."""
COLOURS = {"green": "green", "warning": "yellow", "red": "red", "unseen": "red", "accepted": "cyan"}
TOLD_IN_FULL = ("red", "unseen", "warning", "accepted")


@click.command(
    short_help="Find leftovers and gaps in the DAG files, or in a running system; exit code 1 if there are any."
)
@click.option(
    "--dags",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The DAG files; dags/ of this repository by default.",
)
@click.option("--production", is_flag=True, help="Hold the hardening checklist against the running system instead.")
@click.option("--only", multiple=True, metavar="CHECK", help="With --production: this check alone; may be repeated.")
@click.option(
    "--accepted",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --production: risks that somebody took; hardening.toml of this repository by default.",
)
@click.option("--prometheus", metavar="URL", help="With --production: where Prometheus is.")
@json_option
@click.pass_context
def doctor(
    context: click.Context,
    dags: Path | None,
    production: bool,
    only: tuple[str, ...],
    accepted: Path | None,
    prometheus: str | None,
    as_json: bool,
) -> None:
    """Examine the DAG files: leftovers of older Airflows, and what nobody would miss until the night when it is missing.

    It finds sla=, which Airflow 3 ignores without a word; DAGs without an owner, a page, or a promise; owners whose alerts
    no route takes; promises of schedules that have ended; heavy imports at parse time; and files that cannot be imported.
    Each with its place and the way out.

    With --production it holds the checklist of docs/hardening.md against the system whose environment it runs in: keys,
    passwords, logins, ports, rights, clocks, and more. What it cannot look at counts as red. It changes nothing but a scratch
    key in the object store, which it deletes; logins with well-known passwords are tried, and appear in the servers' logs.

    \b
    Examples:  nightshift doctor
               nightshift doctor --json | jq '.[] | select(.rule == "sla")'
               nightshift doctor --production
               nightshift doctor --production --only clock-skew --only https
    """
    if production:
        from nightshift.hardening import STOPS

        found = _examine_production(only, accepted, prometheus)
        _show_production(found, as_json=as_json)
        if any(each.state in STOPS for each in found):
            context.exit(1)
        return
    if only or accepted or prometheus:
        raise click.UsageError("--only, --accepted and --prometheus go with --production")
    _examine_dags(context, dags, as_json=as_json)


def _examine_dags(context: click.Context, dags: Path | None, *, as_json: bool) -> None:
    from nightshift.declarations import dags_folder
    from nightshift.doctor import examine
    from pipelines.engine.settings import read_settings

    folder = (dags or dags_folder()).resolve()
    found = examine(read_settings(), folder)
    if as_json:
        print_json(found)
    else:
        for finding in found:
            click.echo(f"{finding.file}:{finding.line}: {finding.text}\n    {finding.way_out}")
        click.echo(f"{len(found)} findings in {folder}" if found else f"Nothing to mend in {folder}.")
    if found:
        context.exit(1)


def _examine_production(only: Sequence[str], accepted: Path | None, prometheus: str | None) -> list[Examined]:
    import time
    from datetime import UTC, datetime

    from nightshift.hardening import CHECKS, Sight, examine
    from nightshift.hardening.accepted import FILE, read_accepted
    from pipelines.engine.errors import UsageError, nearest
    from pipelines.engine.settings import REPOSITORY, read_settings

    names = [check.id for check in CHECKS]
    for name in only:
        if name not in names:
            raise UsageError(f"there is no check {name!r}; docs/hardening.md has them.{nearest(name, names)}")
    taken = read_accepted(accepted or REPOSITORY / FILE, names, must_exist=accepted is not None)
    checks = [check for check in CHECKS if not only or check.id in only]
    # As the process was started: what is read on the way, Airflow and MLflow, set variables of their own.
    sight = Sight(read_settings(), dict(os.environ), prometheus)
    os.environ.update(NO_TELEMETRY)
    with progress() as show:
        return examine(sight, checks, show, taken, today=datetime.fromtimestamp(time.time(), UTC).date())


def _show_production(found: Sequence[Examined], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for theme, group in groupby(found, key=lambda each: each.theme):
        say_title(theme)
        for each in group:
            _show(each)
    counts = {state: sum(each.state == state for each in found) for state in WORDS}
    said = ", ".join(f"{count} {WORDS[state]}" for state, count in counts.items() if count)
    click.echo(f"\n{said}. Each check: docs/hardening.md")


def _show(each: Examined) -> None:
    word = click.style(f"{WORDS[each.state]:<9}", fg=COLOURS.get(each.state))
    click.echo(f"  {word} {each.check:<24} {each.must}")
    for line in _lines(each) if each.state in TOLD_IN_FULL else ():
        click.echo(f"            {line}")


def _lines(each: Examined) -> Iterator[str]:
    if each.state == "accepted":
        yield f"until {each.until}: {each.accepted}"
    if each.state == "unseen":
        yield f"could not be looked at: {each.why}"
        yield f"it needs: {each.needs}"
    elif each.why:
        yield each.why
    for number, fault in enumerate(each.faults, 1):
        yield f"{fault.who}: expected {fault.expected}; got {fault.got}"
        if number == len(each.faults) or each.faults[number].way_out != fault.way_out:  # once for all that it mends
            yield f"  {fault.way_out}"
    if each.state in ("red", "unseen"):
        yield each.link
