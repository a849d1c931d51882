"""`nightshift up` and `down`: the embedded Airflow."""

from __future__ import annotations

import click

port_option = click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the UI; by default 8080 or a free one."
)
tasks_option = click.option(
    "--tasks", type=click.IntRange(min=1), default=2, show_default=True, help="How many tasks run at the same time."
)


@click.command(short_help="Start Airflow on this machine.")
@port_option
@tasks_option
def up(port: int | None, tasks: int) -> None:
    """Start Airflow on this machine, and come back when it is healthy.

    It listens on 127.0.0.1 only, and keeps everything in .nightshift/airflow (or under NIGHTSHIFT_HOME).
    """
    from nightshift.embedded.background import up as start
    from pipelines.engine.ledger.migrate import migrate
    from pipelines.engine.settings import REPOSITORY, read_settings

    settings = read_settings()
    migrate(settings.ledger_url)
    running = start(settings.home, REPOSITORY, port=port, parallelism=tasks, on_progress=say)
    click.echo(f"Airflow {'runs already' if running.already else 'is up'}: {running.url}")
    if running.already and port and not running.url.endswith(f":{port}"):
        click.echo(f"To move it to port {port}: nightshift down, then up again.")
    click.echo(f"Logs: {running.logs}\nStop it with: nightshift down")


@click.command(short_help="Stop it, and leave no process behind.")
def down() -> None:
    """Stop the Airflow that `nightshift up` started, and leave no process behind."""
    from nightshift.embedded.background import down as stop
    from pipelines.engine.settings import REPOSITORY, read_settings

    stopped = stop(read_settings().home, REPOSITORY, on_progress=say)
    click.echo("Airflow is down: no process of it is left" if stopped.was_running else "Airflow was not running")


def say(what: str) -> None:
    """Show on stderr what is going on."""
    click.echo(f"  {what}", err=True)
