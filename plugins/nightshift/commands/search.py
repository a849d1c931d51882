"""`nightshift search`: the trials of a pipeline's search, without Airflow, through the same ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nightshift.commands.run import opened
from nightshift.commands.show import json_option, pipeline_argument, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.engine.trials import Trial


@click.command(short_help="Run the trials of a search, and show their table.")
@pipeline_argument
@click.option("--as-of", required=True, metavar="NIGHT", help="Learn only from what was known when this night began.")
@json_option
def search(pipeline: str, as_of: str, as_json: bool) -> None:
    """Run the trials that are not done yet, and show all of them; nothing is trained.

    Trials are remembered in the ledger: `nightshift train` and Airflow answer from there. Run it on several machines at
    once, and they share the trials.

    \b
    Example:  nightshift search flights --as-of 2013-11-01
    """
    from pipelines.engine.steps.search import plan_trials, run_search, trials_of
    from pipelines.engine.steps.validate_training import validate_training

    with opened(pipeline) as (runtime, declared):
        plan_trials(declared)
        checked = validate_training(runtime, declared, as_of)
        best = run_search(runtime, declared, checked, done=lambda trial: _tell(trial, as_json))
        trials = trials_of(runtime, best)
    if as_json:
        print_json({**best, "trials": [trial.to_json() for trial in trials]})
        return
    show(best, trials)


def show(best: dict[str, Any], trials: Sequence[Trial]) -> None:
    """Print the table of a search, and which trial is the best."""
    from pipelines.engine.search_table import table_of

    columns, rows = table_of(trials)
    print_table(columns, [[_short(value) for value in row] for row in rows])
    click.echo(f"Trial {best['number']} is the best: {best['metric']} {best['value']:.4f} with {best['params']}")


def _short(value: object) -> object:
    return f"{value:.5g}" if isinstance(value, float) else value


def _tell(trial: dict[str, Any], as_json: bool) -> None:
    if not as_json:
        value = "" if trial["value"] is None else f" {trial['value']:.4f}"
        click.echo(f"trial {trial['number']}: {trial['state']}{value}", err=True)
