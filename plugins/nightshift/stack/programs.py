"""Which program of this machine a container's image is, and with which words it is started."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nightshift.stack.definition import Health, Role
from nightshift.stack.places import Places

MOTO = Path(__file__).parents[1] / "drill" / "servers" / "moto_server.py"
PROBE = ("python", "-m", "nightshift.stack.probe")
OURS = "nightshift"

ABSENT: Mapping[str, str] = {
    "doctor": "it is asked when somebody wants to know: nightshift stack run nightshift doctor --production",
    "volumes": "folders of this machine belong to who makes them",
    "grafana": "Debian has no package of it; the tests put the queries of its panels to Prometheus",
}
"""Roles that are no processes, and why."""

INSTEAD: Mapping[str, str] = {
    "object-store": "moto, which keeps objects in memory, and forgets them in the end",
    "otel-collector": "a small stand-in of ours, which adds metrics up and writes spans to a file",
    "redis": "Debian's redis-server",
}
"""Roles that are other programs here than in their container."""

PACKAGES: Mapping[str, str] = {
    "postgres": "postgresql",
    "initdb": "postgresql",
    "psql": "postgresql-client",
    "redis-server": "redis-server",
    "redis-cli": "redis-tools",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "setpriv": "util-linux",
}
"""Program to the package of Debian that has it."""

NAMES_HERE: Mapping[str, str] = {"valkey-server": "redis-server", "valkey-cli": "redis-cli"}
"""Programs that are called otherwise in Debian; Valkey speaks and reads what Redis does."""


@dataclass(frozen=True)
class Program:
    """A process of the stack.

    Attributes:
        name: The role, with a number where there are several.
        role: Whose it is.
        words: The program and its arguments.
        environment: Its variables, less what all have in common.
        health: How to see that it works.
        address: Where it listens.
    """

    name: str
    role: Role
    words: tuple[str, ...]
    environment: Mapping[str, str]
    health: Health | None
    address: str


def names_of(role: Role) -> tuple[str, ...]:
    """Return what the processes of a role are called."""
    if role.name in ABSENT:
        return ()
    if role.replicas == 1:
        return (role.name,)
    return tuple(f"{role.name}-{number}" for number in range(1, role.replicas + 1))


def program_of(role: Role, name: str, places: Places) -> Program:
    """Return the process that a role is here.

    Args:
        role: One that is not in `ABSENT`.
        name: One of `names_of(role)`.
        places: Where things are for this process.
    """
    words = _WORDS.get(role.program, _as_it_is)(role, places)
    return Program(
        name=name,
        role=role,
        words=tuple(_named_here(places.here(word)) for word in words),
        environment={key: places.here(value) for key, value in role.environment.items()},
        health=_health(role, places),
        address=places.own,
    )


def _as_it_is(role: Role, _: Places) -> tuple[str, ...]:
    return role.command


def _postgres(role: Role, places: Places) -> tuple[str, ...]:
    here = ("-D", role.environment["PGDATA"], "-c", f"listen_addresses={places.own}", "-c", "unix_socket_directories=")
    return (*role.command, *here)


def _moto(_: Role, places: Places) -> tuple[str, ...]:
    return (sys.executable, str(MOTO), places.own, "8333")


def _collector(_: Role, places: Places) -> tuple[str, ...]:
    spans = "/var/lib/otelcol/spans.jsonl"
    return (sys.executable, "-m", "nightshift.stack.collector", "--host", places.own, "--spans", spans)


def _prometheus(role: Role, _: Places) -> tuple[str, ...]:
    return ("prometheus", *role.command)


def _alertmanager(role: Role, _: Places) -> tuple[str, ...]:
    return ("prometheus-alertmanager", *role.command)


_WORDS: Mapping[str, Callable[[Role, Places], tuple[str, ...]]] = {
    "postgres": _postgres,
    "seaweedfs": _moto,
    "opentelemetry-collector-contrib": _collector,
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
}
"""Image to the words of its program, where they are not those of the container."""

_HEALTH: Mapping[str, str] = {"seaweedfs": "http://object-store:8333/moto-api/"}
"""Image to another page that says that its stand-in works."""


def _health(role: Role, places: Places) -> Health | None:
    if role.health is None:
        return None
    words = role.health.test
    if role.program in _HEALTH:
        words = (*PROBE, _HEALTH[role.program])
    elif words[0] == "wget":  # what third parties' images have; not every Debian does
        words = (*PROBE, words[-1])
    return replace(role.health, test=tuple(_named_here(places.here(word)) for word in words))


def _named_here(word: str) -> str:
    for theirs, here in NAMES_HERE.items():
        word = re.sub(rf"\b{theirs}\b", here, word)
    return word
