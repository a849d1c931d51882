"""Whether somebody would hear of a broken night, and could look back at it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightshift.hardening.sight import Sight
from nightshift.hardening.values import Check, Fault, Unseen

if TYPE_CHECKING:
    from nightshift.doctor import Finding

RETENTION_DAYS = 15.0
"""What Prometheus keeps by default: less, and last month's night cannot be compared with this one."""
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0, "y": 365 * 86_400.0}
MOST = 8
"""Findings that are told one by one."""


def judge_dags(found: Sequence[Finding]) -> Iterator[Fault]:
    """Whether a DAG lacks what nobody would miss until the night."""
    for finding in found[:MOST]:
        yield Fault(f"{finding.file}:{finding.line}", "nothing to mend", finding.text, finding.way_out)
    if len(found) > MOST:
        yield Fault("the DAG files", "nothing to mend", f"{len(found) - MOST} more findings", "Run `nightshift doctor`")


def look_at_dags(sight: Sight) -> list[Finding]:
    """Examine the DAG files, as `nightshift doctor` does."""
    from nightshift.declarations import dags_folder
    from nightshift.doctor import examine

    return examine(sight.settings, dags_folder())


@dataclass(frozen=True)
class Way:
    """A way to people.

    Attributes:
        route: Its name.
        kind: What it is sent with; `log` reaches nobody.
        everybody: Whether it takes the alerts of all owners.
        error: Why it could not send, or empty.
    """

    route: str
    kind: str
    everybody: bool
    error: str


def judge_routes(ways: Sequence[Way]) -> Iterator[Fault]:
    """Whether alerts reach people."""
    for way in ways:
        if way.error:
            yield Fault(
                f"the route {way.route}", "that it can send", way.error, "`nightshift alerts check` until it is well"
            )
    if not any(way.kind != "log" for way in ways):
        yield Fault(
            "the routes (NIGHTSHIFT_ROUTES)",
            "one that people hear",
            "logs only, which nobody reads at night",
            "Add a route with a url to routes.toml; docs/alerts.md has them",
        )
    elif not any(way.everybody for way in ways):
        yield Fault(
            "the routes (NIGHTSHIFT_ROUTES)",
            "one for owners that nobody thought of",
            "none: the alerts of a new owner reach nobody",
            'Add one with owner = "*"',
            grave=False,
        )


def look_at_routes(sight: Sight) -> list[Way]:
    """Read the routes, and look up whether each could send."""
    from nightshift.alerts.checking import check_route
    from nightshift.alerts.routes import read_routes
    from nightshift.alerts.secrets import Secrets

    secrets = Secrets(sight.settings)
    checked = [check_route(route, sight.settings, secrets) for route in read_routes(sight.settings).routes]
    return [Way(each.route, each.kind, each.owner == "*", each.error) for each in checked]


def judge_retention(seconds: float | None) -> Iterator[Fault]:
    """Whether figures are kept for long enough; None if they are kept by size alone."""
    if seconds is not None and seconds < RETENTION_DAYS * 86_400:
        yield Fault(
            "Prometheus",
            f"that it keeps figures for {RETENTION_DAYS:.0f} days at least",
            f"{seconds / 86_400:.1f} days",
            "Start it with --storage.tsdb.retention.time=90d",
        )


def look_at_retention(sight: Sight) -> float | None:
    """Ask Prometheus for how long it keeps figures.

    https://prometheus.io/docs/prometheus/latest/querying/api/#runtime-information
    """
    answer = sight.get(f"{sight.prometheus}/api/v1/status/runtimeinfo")
    try:
        return retention_seconds(str(answer.body["data"]["storageRetention"]))
    except (TypeError, KeyError) as error:
        raise Unseen(f"{answer.url} answers {answer.status}, and not as Prometheus does") from error


def retention_seconds(said: str) -> float | None:
    """Read what Prometheus says of its retention: `15d`, `1w2d or 512MiB`, or a size alone, which is no time."""
    for word in said.split(" or "):
        parts = re.findall(r"(\d+)(ms|[smhdwy])", word)
        if parts and "".join(number + unit for number, unit in parts) == word.strip():
            return sum(int(number) * UNITS[unit] for number, unit in parts)
    return None


CHECKS = (
    Check(
        "dags",
        "Telling",
        "each DAG has an owner, a page and a promise",
        "dags/, NIGHTSHIFT_ROUTES",
        look_at_dags,
        judge_dags,
    ),
    Check(
        "alert-routes",
        "Telling",
        "alerts reach people",
        "NIGHTSHIFT_ROUTES, and its secrets",
        look_at_routes,
        judge_routes,
    ),
    Check(
        "prometheus-retention",
        "Telling",
        "figures are kept",
        "Prometheus: --prometheus, or where the stack has it",
        look_at_retention,
        judge_retention,
    ),
)
