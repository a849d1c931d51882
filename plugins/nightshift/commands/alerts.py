"""`nightshift alerts`: whether people would be told."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nightshift.commands.show import json_option, print_json, print_table

if TYPE_CHECKING:
    from nightshift.alerts.routes import Route, Routing
    from pipelines.engine.settings import Settings

COLUMNS = ("route", "owner", "at_least", "escalations", "kind")


@click.group(short_help="See whether alerts would arrive, and try their routes.")
def alerts() -> None:
    """See whether alerts would arrive: the routes of routes.toml, their secrets, and a message to try them with.

    \b
    Examples:  nightshift alerts check
               nightshift alerts test --route flight-science
    """


@alerts.command
@json_option
def check(as_json: bool) -> None:
    """Read the routes and look their secrets up, without sending anything; exit code 1 if one could not send.

    Never shows a secret.
    """
    from nightshift.alerts.checking import check_route
    from nightshift.alerts.secrets import Secrets

    settings, routing = _read()
    checked = [check_route(route, settings, Secrets(settings)) for route in routing.routes]
    if as_json:
        print_json(checked)
    else:
        rows = [[*(asdict(each)[name] for name in COLUMNS), "failed" if each.error else "ok"] for each in checked]
        print_table((*COLUMNS, "state"), rows)
    _end([each.error for each in checked])


@alerts.command
@click.option("--route", "name", metavar="NAME", help="Only this one; otherwise all.")
def test(name: str | None) -> None:
    """Send a test along the routes: a message that something is wrong, and one that it is over.

    Exit code 1 if one was not accepted.
    """
    from nightshift.alerts.checking import try_route
    from nightshift.alerts.secrets import Secrets

    settings, routing = _read()
    problems = []
    for route in _chosen(routing, name):
        problem = try_route(route, routing, settings, Secrets(settings))
        problems.append(problem)
        if not problem:
            click.echo(f"{route.name}: accepted; look whether it arrived")
    _end(problems)


def _read() -> tuple[Settings, Routing]:
    from nightshift.alerts.routes import read_routes
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    return settings, read_routes(settings)


def _chosen(routing: Routing, name: str | None) -> tuple[Route, ...]:
    from pipelines.engine.errors import UsageError, nearest

    if name is None:
        return routing.routes
    route = routing.route(name)
    if route is None:
        names = [route.name for route in routing.routes]
        raise UsageError(f"there is no route {name!r}; there are {', '.join(names)}.{nearest(name, names)}")
    return (route,)


def _end(problems: list[str]) -> None:
    failed = [problem for problem in problems if problem]
    for problem in failed:
        click.echo(problem, err=True)
    if failed:
        raise SystemExit(1)
