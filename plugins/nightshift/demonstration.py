"""The demonstration: data, a training and a week of nights of the flights pipeline, run by the embedded Airflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from model_registry.addresses import hidden
from nightshift.commands.show import print_table, progress
from nightshift.commands.status import read_strips, show_nights
from nightshift.commands.tree import say
from nightshift.connections import open_storage
from nightshift.embedded.errors import EmbeddedError
from pipelines.engine.catalog import load_pipeline
from pipelines.engine.delivery import deliver
from pipelines.engine.ledger.migrate import migrate
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.nights import nights_between
from pipelines.engine.replay import interrupt
from pipelines.engine.settings import REPOSITORY, Settings, read_settings

if TYPE_CHECKING:
    from nightshift.embedded.client import AirflowClient
    from nightshift.embedded.records import DagRun
    from pipelines.engine.ledger.values import Entry
    from pipelines.engine.views.strip import Cell

PIPELINE = "flights"
AS_OF = "2013-11-01"
NIGHTS = tuple(nights_between("2013-11-01", "2013-11-07"))
ZONE = ZoneInfo("America/New_York")
PATIENCE_SECONDS = 900.0
POLL_SECONDS = 0.5

EXPECTED = (
    "(Expected here: early November 2013 was colder than the October that the model was measured on, and more flights had been "
    "late in the weeks before. The nights are published; a warning says where to look.)"
)


class DemonstrationFailed(EmbeddedError):
    """A DAG run of the demonstration failed."""


@dataclass(frozen=True)
class Demonstration:
    """What there is to be shown at the end."""

    nights: Sequence[Cell]
    promotion: Entry
    training: Entry
    warnings: list[str]
    claimed: int
    seconds: float
    settings: Settings


def run_demonstration(*, port: int | None, tasks: int) -> Demonstration:
    """Make the data, start Airflow, train, score the week, stop Airflow.

    Raises:
        DemonstrationFailed: A run failed; the message has the task's last words.
        EmbeddedError: Airflow did not start.
    """
    from nightshift.embedded.tree import AirflowTree

    begun, settings = time.monotonic(), read_settings()
    interrupt(settings)  # this is about the nights of 2013
    title("1/4  Real flights: rows and labels for every night of 2013")
    prepare_data(settings)
    migrate(settings.ledger_url)
    ledger = Ledger(settings.ledger_url)
    since = ledger.now()
    with AirflowTree(settings.home, REPOSITORY, port=port, parallelism=tasks) as tree:
        title("2/4  Airflow on this machine")
        ready = tree.start(say)
        if ready.import_errors:
            raise DemonstrationFailed(
                f"{ready.import_errors[0].file} cannot be imported: {ready.import_errors[0].reason}"
            )
        title(f"3/4  Training as of {AS_OF}, as a DAG run")
        train(tree.client)
        title(f"4/4  Nights {NIGHTS[0]} to {NIGHTS[-1]}, as a backfill")
        score_nights(tree.client)
        say("stopping Airflow")
    return collect(settings, ledger, since, time.monotonic() - begun)


def title(text: str) -> None:
    """Say what comes now."""
    click.secho(text, bold=True, err=True)


def prepare_data(settings: Settings) -> None:
    """Make the recorded data, unless they are there."""
    with progress() as show:
        made = deliver(settings, open_storage(settings), load_pipeline(PIPELINE), show)
    say(f"{made.nights} nights, {made.rows:,} rows: {made.written} files written, {made.unchanged} right already")


def train(client: AirflowClient) -> None:
    """Train the demonstration's model through a DAG run; nothing is done twice.

    Raises:
        DemonstrationFailed: The run failed, or took too long.
    """
    run_id = f"demo__{AS_OF}__{datetime.now(UTC):%Y%m%dT%H%M%S}"
    run = client.trigger(f"{PIPELINE}_training", partition_key=AS_OF, run_id=run_id)
    watch_runs(client, lambda: [client.dag_run(run.dag_id, run.run_id)], 1)


def score_nights(client: AirflowClient) -> None:
    """Score the demonstration's week as a backfill; nothing is done twice.

    Raises:
        DemonstrationFailed: A run failed, or took too long.
    """
    from nightshift.embedded.records import backfill_range

    dag_id = f"{PIPELINE}_scoring"
    _finish_backfills(client, dag_id)
    before = {run.run_id for run in client.dag_runs(dag_id)}
    first, last = backfill_range(date.fromisoformat(NIGHTS[0]), date.fromisoformat(NIGHTS[-1]), ZONE)
    backfill = client.create_backfill(dag_id, first, last, reprocess_behavior="completed")

    def mine() -> list[DagRun]:
        return [run for run in client.dag_runs(dag_id, run_type="backfill") if run.run_id not in before]

    watch_runs(client, mine, len(NIGHTS))
    client.close_backfill(backfill)


def _finish_backfills(client: AirflowClient, dag_id: str) -> None:
    """Let an earlier demonstration's backfill come to its end, if that was interrupted: Airflow allows one at a time."""
    for backfill in client.open_backfills(dag_id):
        say("an earlier backfill comes to its end first")
        watch_runs(client, lambda: [run for run in client.dag_runs(dag_id) if not run.finished], 0, fail=False)
        client.close_backfill(backfill)


def watch_runs(
    client: AirflowClient, runs: Callable[[], Sequence[DagRun]], expected: int, *, fail: bool = True
) -> None:
    """Wait for DAG runs to end, and show each task as it ends; a failed run is an error if `fail`.

    Raises:
        DemonstrationFailed: A run failed, or they took too long.
    """
    shown: set[tuple[str, str, int]] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = list(runs())
        for run in found:
            _show_tasks(client, run, shown)
        failed = [run for run in found if run.finished and not run.succeeded]
        if failed and fail:
            raise DemonstrationFailed(_last_words(client, failed[0]))
        if len(found) >= expected and all(run.finished for run in found):
            return
        if time.monotonic() > deadline:
            raise DemonstrationFailed(
                f"{expected} runs did not end within {PATIENCE_SECONDS:.0f} s; look at {client.url}"
            )
        time.sleep(POLL_SECONDS)


def _show_tasks(client: AirflowClient, run: DagRun, shown: set[tuple[str, str, int]]) -> None:
    for task in client.task_instances(run.dag_id, run.run_id):
        mark = (run.run_id, task.task_id, task.map_index)
        if task.ended_at is None or task.state not in ("success", "failed", "skipped") or mark in shown:
            continue
        shown.add(mark)
        took = (task.ended_at - task.started_at).total_seconds() if task.started_at else 0.0
        log = client.task_log(
            run.dag_id, run.run_id, task.task_id, try_number=task.try_number, map_index=task.map_index
        )
        already = ", already done" if "already done" in log else ""
        say(f"{run.partition_key}  {task.task_id:<9} {task.state} in {took:.1f} s{already}")


def _last_words(client: AirflowClient, run: DagRun) -> str:
    for task in client.task_instances(run.dag_id, run.run_id):
        if task.state == "failed":
            log = client.task_log(
                run.dag_id, run.run_id, task.task_id, try_number=task.try_number, map_index=task.map_index
            )
            said = [line for line in log.splitlines() if " error " in line][:5] or log.splitlines()[-5:]
            return f"task {task.task_id} of {run.dag_id} {run.partition_key} failed:\n" + "\n".join(said)
    return f"{run.dag_id} {run.partition_key} failed without a failed task; look at Airflow's scheduler log"


def collect(settings: Settings, ledger: Ledger, since: float, seconds: float) -> Demonstration:
    """Read what there is to be shown, from the ledger."""
    promotion = next(entry for entry in ledger.entries(pipeline=PIPELINE, step="promote") if entry.result)
    training = next(entry for entry in ledger.entries(pipeline=PIPELINE, step="train", partition=promotion.partition))
    claimed = ledger.claims_since(since)
    [strip] = read_strips(PIPELINE)
    return Demonstration(strip.nights, promotion, training, _warnings(ledger), claimed, seconds, settings)


def _warnings(ledger: Ledger) -> list[str]:
    """Return what `monitor` said of each night, the newest word on it, oldest night first."""
    said: dict[str, list[str]] = {}
    for entry in ledger.entries(pipeline=PIPELINE, step="monitor"):
        said.setdefault(entry.partition, (entry.result or {}).get("warnings", []))
    return [f"{night}: {warning}" for night in sorted(said) for warning in said[night]]


NEXT = "Look at it in Airflow's own pages: nightshift up (or: make up)"


def show_summary(shown: Demonstration, what_next: str = NEXT) -> None:
    """Print what was done, how good the model is, and where to look next."""
    promoted, trained = shown.promotion.result or {}, shown.training.result or {}
    click.echo()
    click.secho(f"Champion: {PIPELINE} version {promoted['version']}, trained as of {promoted['as_of']}", bold=True)
    click.echo(f"  {'; '.join(promoted['reasons'])}")
    print_table(("metric on the holdout", "model", "base rate"), _metric_rows(trained))
    click.secho("Nights:", bold=True)
    show_nights(shown.nights)
    for warning in shown.warnings:
        click.echo(f"  monitor, {warning}")
    if shown.warnings:
        click.echo(f"  {EXPECTED}")
    _show_claims(shown.claimed)
    _show_places(shown)
    click.echo(f"\nDone in {shown.seconds:.0f} s. {what_next}")


def _metric_rows(trained: dict[str, Any]) -> list[tuple[str, str, str]]:
    baseline = trained["baseline"]
    return [(name, f"{value:.4f}", f"{baseline[name]:.4f}") for name, value in trained["metrics"].items()]


def _show_claims(claimed: int) -> None:
    if claimed:
        click.echo(f"{claimed} keys claimed anew. Run it again: nothing will be done twice.")
    else:
        click.echo("0 keys claimed anew: everything was already done, and nothing was done twice.")


def _show_places(shown: Demonstration) -> None:
    settings = shown.settings
    places = (
        ("predictions", f"{settings.tables}/{PIPELINE}/predictions", "a Delta table"),
        ("reports", f"{settings.reports}/{PIPELINE}", "checks of each night, pictures of each training"),
        ("models", hidden(settings.tracking_uri, settings.tracking_uri), "MLflow"),
    )
    for name, place, what in places:
        click.echo(f"  {name:<12} {_short(place)}  ({what})")


def _short(place: str) -> str:
    return place.removeprefix(f"{Path.cwd()}/")
