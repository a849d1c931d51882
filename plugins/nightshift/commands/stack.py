"""`nightshift stack`: the production stack as processes of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from nightshift.commands.show import print_table
from nightshift.commands.tree import say

if TYPE_CHECKING:
    from nightshift.stack.run import Stack
    from nightshift.stack.status import ProcessStatus


@click.group(short_help="The production stack on this machine, without containers.")
def stack() -> None:
    """Run the production stack as processes of this machine: for a team without a container engine, and for tests.

    The roles, their settings and their order are those of docker/compose.yaml: Postgres, Redis, an object store, MLflow with
    logins, Airflow on two Celery workers, the watch, Prometheus and Alertmanager. Each has an address of its own on loopback.

    It is for trying things out: objects are kept in memory, and `down` throws everything away but the logs.
    """


@stack.command(short_help="Start it, and return when all of it is healthy.")
@click.option("--dags", metavar="FOLDER", help="DAG files other than those of this repository.")
def up(dags: str | None) -> None:
    """Start the stack, and return when all of it is healthy; some two minutes on two cores.

    It needs programs of Debian (postgresql, redis-server, prometheus, prometheus-alertmanager); it says which are missing.
    What docker/compose.yaml writes as ${NAME:-default} is taken from the environment.

    \b
    Examples:  nightshift stack up
               WORKER_CONCURRENCY=2 nightshift stack up --dags ~/dags
    """
    from pathlib import Path

    from nightshift.stack.programs import INSTEAD
    from pipelines.engine.errors import UsageError

    variables = dict(os.environ)
    if dags is not None:
        folder = Path(dags).expanduser().resolve()
        if not folder.is_dir():
            raise UsageError(f"--dags {dags!r} is no folder")
        variables["DAGS_FOLDER"] = str(folder)
    ours = _stack()
    ours.up(variables, say)
    click.echo("The stack is up.")
    _show_places(ours)
    for role, what in INSTEAD.items():
        click.echo(f"Here {role} is {what}.")
    click.echo(
        "Nights through all of it: nightshift demo --stack\nStop it, and throw its data away: nightshift stack down"
    )


@stack.command(short_help="End it, and throw its data away.")
def down() -> None:
    """End all processes of the stack, and throw its data away; logs stay.

    Tasks that run are given a minute to come to their end.
    """
    ours = _stack()
    there = ours.down(say)
    click.echo("The stack is down: no process of it is left" if there else "The stack was not running")


@stack.command(short_help="Its processes, and whether they are healthy.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Show the processes of the stack, where they listen, and whether they pass their health checks.

    Exit code 1: one of them does not.
    """
    from nightshift.commands.show import print_json

    ours = _stack()
    found = ours.status()
    if as_json:
        print_json(found)
    else:
        rows = [
            (one.name, _word(one), one.address, f"{one.seconds:.0f} s" if one.state == "running" else "")
            for one in found
        ]
        print_table(("process", "state", "address", "for"), rows)
        _show_places(ours)
    if not all(one.healthy for one in found):
        raise SystemExit(1)


@stack.command(short_help="End processes well, and start them again.")
@click.argument("names", nargs=-1, required=True, metavar="PROCESS...")
def restart(names: tuple[str, ...]) -> None:
    """End processes of the stack well, start them again, and return when they are healthy.

    Workers keep the code that they imported when they started: restart them after a change to it.

    \b
    Examples:  nightshift stack restart airflow-worker-1 airflow-worker-2
    """
    ours = _stack()
    for name in names:
        _check_name(ours, name)
    ours.restart(names, say)


@stack.command(short_help="End processes well, and leave them so.")
@click.argument("names", nargs=-1, required=True, metavar="PROCESS...")
def stop(names: tuple[str, ...]) -> None:
    """End processes of the stack well; `start` starts them again.

    \b
    Examples:  nightshift stack stop watch airflow-worker-1 airflow-worker-2     # before a backup is put back
    """
    ours = _stack()
    for name in names:
        _check_name(ours, name)
    ours.end(names, say)


@stack.command(short_help="Start processes that were ended.")
@click.argument("names", nargs=-1, required=True, metavar="PROCESS...")
def start(names: tuple[str, ...]) -> None:
    """Start processes that `stop` ended, and return when they are healthy."""
    ours = _stack()
    for name in names:
        _check_name(ours, name)
    ours.begin(names, say)


@stack.command(
    short_help="Run a command as one of its roles.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--as", "name", default="airflow-scheduler", show_default=True, help="Which process it is to be like.")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
def run(name: str, words: tuple[str, ...]) -> None:
    """Run a command with the environment of one of the stack's processes, as `docker compose run` would.

    An address such as prometheus:9090 in it becomes the one that the role has here.

    \b
    Examples:  nightshift stack run nightshift status
               nightshift stack run nightshift doctor --production --prometheus http://prometheus:9090
               nightshift stack run --as migrate airflow db check
    """
    import shutil

    from pipelines.engine.errors import UsageError

    ours = _stack()
    _check_name(ours, name)
    environment, words = ours.environment(name), tuple(ours.here(words))
    program = shutil.which(words[0], path=environment["PATH"])
    if program is None:
        raise UsageError(f"{words[0]!r} is no program that the stack's processes would find")
    os.execve(program, [words[0], *words[1:]], environment)  # noqa: S606 - what the user asked for


def _stack() -> Stack:
    from nightshift.stack.run import Stack
    from pipelines.engine.settings import read_settings

    return Stack(read_settings().home)


def _check_name(ours: Stack, name: str) -> None:
    from pipelines.engine.errors import UsageError, nearest

    if name not in ours.programs:
        raise UsageError(f"{name!r} is no process of the stack.{nearest(name, ours.programs)}")


def _show_places(ours: Stack) -> None:
    for page in ours.pages():
        click.echo(f"  {page.name:<13} {page.url}  {page.login}")


def _word(process: ProcessStatus) -> str:
    if process.healthy:
        return "done" if process.state == "exited" else "healthy"
    return (
        f"{process.state}, not healthy"
        if process.exit_code is None
        else f"{process.state}, exit code {process.exit_code}"
    )
