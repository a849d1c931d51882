"""The demonstration on the stack: the same nights, through Celery, Postgres and an object store, and who hears of a bad one."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightshift.demonstration import (
    AS_OF,
    NIGHTS,
    PIPELINE,
    collect,
    prepare_data,
    score_nights,
    show_summary,
    title,
    train,
)
from nightshift.stack import eyes
from nightshift.stack.errors import RoleFailed

if TYPE_CHECKING:
    from nightshift.embedded.client import AirflowClient
    from nightshift.embedded.logins import Login
    from nightshift.stack.run import Stack
    from pipelines.engine.ledger.observations import SeenDeclaration

ROLE = "airflow-scheduler"
"""As whom we look at the ledger and the object store."""
DAGS = (f"{PIPELINE}_training", f"{PIPELINE}_scoring")
LATE = Path(__file__).with_name("late_night.py")
"""A DAG file that breaks its promise."""
PATIENCE_SECONDS = 300.0
POLL_SECONDS = 2.0


def run_on_stack(stack: Stack) -> None:
    """Train, score the week, and show what the eyes see; the stack goes on.

    Raises:
        StackDown: It does not run.
        DemonstrationFailed: A run failed.
        RoleFailed: A target of Prometheus is down, or nobody hears of a night that is late.
    """
    from nightshift.embedded.logins import admin_of
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.settings import read_settings

    begun = time.monotonic()
    os.environ.update(stack.environment(ROLE))
    settings = read_settings()
    ledger = Ledger(settings.ledger_url)
    since = ledger.now()
    title("1/4  Real flights: rows and labels for every night of 2013, in the object store")
    prepare_data(settings)
    with _client(stack, admin_of(stack.layout.secrets / "logins.json")) as client:
        for dag_id in DAGS:
            client.pause(dag_id, paused=False)
        title(f"2/4  Training as of {AS_OF}, through Celery")
        train(client)
        title(f"3/4  Nights {NIGHTS[0]} to {NIGHTS[-1]}, as a backfill on the workers")
        score_nights(client)
        title("4/4  What the eyes see")
        _show_targets(stack)
        _show_alert(stack, client, Observations(settings.ledger_url).declarations)
    show_summary(collect(settings, ledger, since, time.monotonic() - begun), _places(stack))


def _client(stack: Stack, login: Login | None) -> AirflowClient:
    from nightshift.embedded.client import AirflowClient

    return AirflowClient(f"http://{stack.address('airflow-api-server')}:8080", login=login)


def _show_targets(stack: Stack) -> None:
    prometheus = f"http://{stack.address('prometheus')}:9090"

    def all_up() -> bool:
        found = eyes.targets(prometheus)
        return bool(found) and all(one.health == "up" for one in found)

    if not _within(60.0, all_up):
        down = [
            f"{one.job} {one.address} ({one.error or one.health})"
            for one in eyes.targets(prometheus)
            if one.health != "up"
        ]
        raise RoleFailed(f"Prometheus does not reach {', '.join(down) or 'anything'}")
    for one in eyes.targets(prometheus):
        click.echo(f"  {one.job:<16} {one.health}  {one.address}", err=True)


def _show_alert(stack: Stack, client: AirflowClient, promised: Callable[[], Sequence[SeenDeclaration]]) -> None:
    """Run a DAG that takes longer than it promised: somebody must hear of it."""
    alertmanager = f"http://{stack.address('alertmanager')}:9093"
    file = stack.dags / LATE.name
    shutil.copy(LATE, file)
    try:
        if not _within(PATIENCE_SECONDS, lambda: any(dag.dag_id == LATE.stem for dag in client.dags())):
            raise RoleFailed(f"Airflow did not read {file} within {PATIENCE_SECONDS:.0f} s")
        # A promise holds for runs that begin after it was heard of.
        if not _within(PATIENCE_SECONDS, lambda: any(one.content["dag_id"] == LATE.stem for one in promised())):
            raise RoleFailed(f"The watch did not read {file} within {PATIENCE_SECONDS:.0f} s")
        client.pause(LATE.stem, paused=False)
        run = client.trigger(LATE.stem, run_id=f"demo__{datetime.now(UTC):%Y%m%dT%H%M%S}")
        click.echo(f"  {run.dag_id} runs: it promised to be finished within 10 s, and sleeps a minute", err=True)

        def of_it() -> list[eyes.Alert]:
            return [one for one in eyes.alerts(alertmanager) if one.labels.get("dag_id") == LATE.stem]

        if not _within(PATIENCE_SECONDS, lambda: bool(of_it())):
            raise RoleFailed(f"No alert about {LATE.stem} came to {alertmanager}")
        for one in of_it():
            click.echo(f"  Alertmanager holds {one.labels.get('alertname', '')}: {one.summary}", err=True)
        _within(PATIENCE_SECONDS, lambda: client.dag_run(run.dag_id, run.run_id).finished)
        client.pause(LATE.stem)
    finally:
        file.unlink(missing_ok=True)


def _within(seconds: float, true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _places(stack: Stack) -> str:
    pages = "\n".join(f"  {page.name:<13} {page.url}  {page.login}" for page in stack.pages())
    return f"Look at it:\n{pages}\nStop it, and throw its data away: nightshift stack down"
