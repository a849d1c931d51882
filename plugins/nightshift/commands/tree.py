"""`nightshift up` and `down`: the embedded Airflow."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightshift.embedded.background import Running
    from nightshift.live.start import Wanted

port_option = click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the UI; by default 8080 or a free one."
)
tasks_option = click.option(
    "--tasks", type=click.IntRange(min=1), default=2, show_default=True, help="How many tasks run at the same time."
)

COMPANIONS: dict[str, Sequence[str]] = {"watch": ("nightshift.watch",)}
"""What `up` starts beside Airflow: the watch, which notices what Airflow cannot."""


@click.command(short_help="Start Airflow on this machine.")
@port_option
@tasks_option
@click.option("--login", is_flag=True, help="Ask for a name and a password: `admin`, or `viewer`, who only looks.")
@click.option("--live", is_flag=True, help="Replay the flights of 2013 as if they left now: tonight exists.")
@click.option("--speed", type=float, help="With --live: how many seconds pass in one; 600: a day in 144 seconds.")
@click.option("--at", metavar="HH:MM", help="With --live and --speed: what clocks show when it begins.")
@click.option("--restart", is_flag=True, help="With --live: begin anew instead of going on.")
@click.option("--history", type=click.IntRange(0, 28), default=7, help="With --live: nights to score first; 7.")
def up(
    port: int | None,
    tasks: int,
    login: bool,
    live: bool,
    speed: float | None,
    at: str | None,
    restart: bool,
    history: int,
) -> None:
    """Start Airflow on this machine, and come back when it is healthy.

    It listens on 127.0.0.1 only, and keeps everything in .nightshift/airflow (or under NIGHTSHIFT_HOME).

    \b
    Examples:  nightshift up
               nightshift up --live
               nightshift up --live --speed 600
    """
    from pipelines.engine.errors import UsageError

    if live:
        from nightshift.live.start import Wanted

        _go_live(Wanted(speed, _time_of(at), restart, history, port, tasks, COMPANIONS, login))
        return
    if speed is not None or at is not None or restart:
        raise UsageError("--speed, --at and --restart belong to the replay: give --live as well")
    from nightshift.embedded.background import running as look
    from nightshift.embedded.background import up as start
    from pipelines.engine.ledger.migrate import migrate
    from pipelines.engine.replay import interrupt, read_replay
    from pipelines.engine.settings import REPOSITORY, read_settings

    settings = read_settings()
    migrate(settings.ledger_url)
    if look(settings.home, REPOSITORY) is None and interrupt(
        settings
    ):  # nobody said `down`: the machine was switched off
        say("the replay is interrupted; to go on with it: nightshift up --live")
    running = start(
        settings.home, REPOSITORY, port=port, parallelism=tasks, login=login, companions=COMPANIONS, on_progress=say
    )
    _show(running, port, login)
    if read_replay(settings) is not None:
        click.echo("A replay is on; look at it with: nightshift live status")


def _go_live(wanted: Wanted) -> None:
    from nightshift.commands.show import progress
    from nightshift.live.driver import replayed_dags
    from nightshift.live.start import go_live, in_words
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    with progress() as show:
        replay, running = go_live(settings, wanted, say, show)
    _show(running, wanted.port, wanted.login)
    observations, recording = Observations(settings.ledger_url), load_pipeline(replay.pipeline).recording
    if recording is not None:
        for line in in_words(replay, recording, replayed_dags(observations, replay), observations.now()):
            click.echo(line)
    click.echo("Look at it with: nightshift live status\nSpoil a night with: nightshift live slow NIGHT --by 3h")


def _show(running: Running, port: int | None, login: bool) -> None:
    from nightshift.embedded.layout import Layout
    from nightshift.embedded.logins import ROLES
    from pipelines.engine.settings import REPOSITORY, read_settings

    click.echo(f"Airflow {'runs already' if running.already else 'is up'}: {running.url}")
    if running.already and port and not running.url.endswith(f":{port}"):
        click.echo(f"To move it to port {port}: nightshift down, then up again.")
    if running.login:
        file = Layout(read_settings().home, REPOSITORY).logins
        click.echo(f"It asks for a name, {' or '.join(ROLES)}, and a password. Passwords, for your eyes only: {file}")
    elif login:
        click.echo("It was started without --login, and asks nobody. To make it ask: nightshift down, then up --login.")
    click.echo(f"Logs: {running.logs}")
    _show_routes()
    click.echo("Stop it with: nightshift down")


def _show_routes() -> None:
    """Say who is told when a night is late; a watch that cannot read its routes tells nobody."""
    from nightshift.alerts.routes import read_routes
    from pipelines.engine.errors import DeclarationError
    from pipelines.engine.settings import read_settings

    try:
        routes = read_routes(read_settings()).routes
    except DeclarationError as error:
        click.echo(f"Nobody is told when a night is late, until this is mended:\n{error}", err=True)
        return
    click.echo(
        f"When a night is late, this is told: {', '.join(route.name for route in routes) or 'nobody'} (routes.toml)"
    )


def _time_of(text: str | None) -> time | None:
    from pipelines.engine.errors import UsageError

    try:
        return time.fromisoformat(text) if text is not None else None
    except ValueError:
        raise UsageError(f"--at {text!r} is no time of day; expected HH:MM, such as 17:30") from None


@click.command(short_help="Stop it, and leave no process behind.")
def down() -> None:
    """Stop the Airflow that `nightshift up` started, and leave no process behind."""
    from nightshift.embedded.background import down as stop
    from pipelines.engine.replay import interrupt
    from pipelines.engine.settings import REPOSITORY, read_settings

    settings = read_settings()
    stopped = stop(settings.home, REPOSITORY, on_progress=say)
    click.echo("Airflow is down: no process of it is left" if stopped.was_running else "Airflow was not running")
    if interrupt(settings):
        click.echo("The replay is interrupted. To go on with it: nightshift up --live")


def say(what: str) -> None:
    """Show on stderr what is going on."""
    click.echo(f"  {what}", err=True)
