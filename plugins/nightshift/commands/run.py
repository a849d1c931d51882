"""`nightshift check`, `train` and `score`: the steps without Airflow, through the same ledger."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from nightshift.commands.completing import complete_delivered
from nightshift.commands.show import json_option, pipeline_argument, print_json, print_table, progress

if TYPE_CHECKING:
    from pipelines.engine.pipeline import Pipeline
    from pipelines.engine.runtime import Runtime

nights_argument = click.argument("nights", metavar="NIGHT[..NIGHT]", shell_complete=complete_delivered)


@contextmanager
def opened(pipeline: str) -> Iterator[tuple[Runtime, Pipeline]]:
    """Open the runtime and load the pipeline; progress shows on stderr."""
    from nightshift.commands.house import begins_anew
    from nightshift.connections import open_doors
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.settings import read_settings

    declared, settings = load_pipeline(pipeline), read_settings()
    if begins_anew(
        settings
    ):  # a task never does: one that was not told of the ledger would do work twice under its own
        from pipelines.engine.ledger.migrate import migrate

        migrate(settings.ledger_url)
    with progress() as show:
        yield open_doors(settings, wait=True, progress=show), declared


@click.command(short_help="Check the rows of nights, and publish nothing.")
@pipeline_argument
@nights_argument
@json_option
def check(pipeline: str, nights: str, as_json: bool) -> None:
    """Check the rows of one night or several, and publish nothing.

    \b
    Examples:  nightshift check flights 2013-11-19
               nightshift check flights 2013-11-01..2013-11-07
    """
    from pipelines.engine.nights import parse_nights
    from pipelines.engine.steps.validate import validate_night

    with opened(pipeline) as (runtime, declared):
        wanted = parse_nights(nights, today=runtime.today())
        checked = []
        for number, night in enumerate(wanted, start=1):
            runtime.progress(number - 1, len(wanted), "checking nights")
            checked.append(validate_night(runtime, declared, night))
    if as_json:
        print_json(checked)
        return
    rows = [
        (c["night"], c["summary"]["status"], c["rows_in"], c["refused"], _failed(c["summary"]), c["report"])
        for c in checked
    ]
    print_table(("night", "status", "rows", "refused", "warnings", "report"), rows)


def _failed(summary: dict[str, Any]) -> int:
    warnings: int = summary["failed_by_severity"]["warning"]
    return warnings


@click.command(short_help="Train and judge a model; promote it if the gate opens.")
@pipeline_argument
@click.option("--as-of", required=True, metavar="NIGHT", help="Learn only from what was known when this night began.")
@json_option
def train(pipeline: str, as_of: str, as_json: bool) -> None:
    """Train, judge and register a model, and make it champion if the gate opens.

    \b
    Example:  nightshift train flights --as-of 2013-11-01
    """
    from pipelines.engine.kinds import BASELINES
    from pipelines.engine.steps.whole import run_training

    with opened(pipeline) as (runtime, declared):
        begun = runtime.ledger.now()
        trained = run_training(runtime, declared, as_of, actor=getpass.getuser())
        claimed = runtime.ledger.claims_since(begun)
    if as_json:
        print_json({**trained, "keys_claimed": claimed})
        return
    verdict = "is champion now" if trained["promoted"] else "does not become champion"
    click.echo(f"Version {trained['version']} of {pipeline}, trained as of {as_of}, {verdict}.")
    for reason in trained["reasons"]:
        click.echo(f"  - {reason}")
    if trained["search"]:
        click.echo(f"Trial {trained['search']['number']} of the search was the best: {trained['search']['params']}")
    rows = [
        (name, f"{value:.4f}", _ends(trained["intervals"].get(name)), f"{trained['baseline'][name]:.4f}")
        for name, value in trained["metrics"].items()
    ]
    print_table(("metric", "model", "95 % interval", BASELINES[declared.kind]), rows)
    _say_claims(claimed)


def _ends(interval: list[float] | None) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""


@click.command(short_help="Check, score and publish nights with the champion.")
@pipeline_argument
@nights_argument
@click.option("--engine", default="local", show_default=True, help="Where shards are scored: local or spark.")
@json_option
def score(pipeline: str, nights: str, engine: str, as_json: bool) -> None:
    """Check, score and publish one night or several with the present champion.

    Nights that are done already are not done again, unless their rows, the champion or the code is another one now.

    \b
    Examples:  nightshift score flights 2013-11-19
               nightshift score flights 2013-11-19..2013-11-25 --json
               nightshift score flights 2013-11-19 --engine spark
    """
    from nightshift.connections.spark import open_scoring_engine
    from pipelines.engine.nights import parse_nights
    from pipelines.engine.steps.whole import run_night

    with opened(pipeline) as (runtime, declared):
        wanted = parse_nights(nights, today=runtime.today())
        begun = runtime.ledger.now()
        with closing(open_scoring_engine(engine, runtime.settings)) as where:
            published = [run_night(runtime, declared, night, where) for night in wanted]
        claimed = runtime.ledger.claims_since(begun)
        others = [line for night in published for line in _who_was_first(runtime, night)]
    if as_json:
        print_json(published)
        return
    columns = ("night", "rows_in", "rows_scored", "rows_quarantined", "model_version", "delta_version")
    headings = ("night", "rows in", "scored", "refused", "model", "version")
    print_table(headings, [[night[name] for name in columns] for night in published], spare=("version", "model"))
    for night in published:
        if night["quarantine"]:
            click.echo(f"{night['night']}: refused rows are in {night['quarantine']}; why: {night['report']}")
        for warning in night["warnings"]:
            click.echo(f"{night['night']}: {warning}")
    for line in others:
        click.echo(line)
    _say_claims(claimed)


def _who_was_first(runtime: Runtime, published: dict[str, Any]) -> list[str]:
    """Say who published a night if it was not this process."""
    from pipelines.engine.ledger.values import iso
    from pipelines.engine.run_once import is_ours

    entry = runtime.ledger.entry(published["key"])
    if entry is None or entry.finished_at is None or is_ours(entry.holder):
        return []
    return [f"{published['night']}: {entry.holder} was first and published it at {iso(entry.finished_at)}"]


def _say_claims(claimed: int) -> None:
    """Say whether anything was done, or all of it had been done before."""
    click.echo(f"{claimed} keys claimed anew." if claimed else "0 keys claimed anew: everything was already done.")
