"""The network: who can reach services that are for the stack alone, and whether what they say can be read on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from nightshift.hardening.options import variable
from nightshift.hardening.places import EVERYWHERE, Place, is_loopback, place_of
from nightshift.hardening.sight import Sight
from nightshift.hardening.values import Check, Fault, NotUsed, Unseen

INNER = (
    "postgres",
    "redis",
    "mlflow",
    "object-store",
    "otel-collector",
    "prometheus",
    "alertmanager",
    "watch",
    "pgbouncer",
)
"""Services of the stack that nobody outside of it needs to reach; some of them ask for no login."""
COMPOSE = "docker/compose.yaml"
DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")
"""A variable of a compose file, with what counts where nobody sets it."""


@dataclass(frozen=True)
class Listening:
    """A port that somebody listens on.

    Attributes:
        service: Whose it is.
        address: On which address of the machine; empty for all.
        port: Which.
        said: Where that was seen.
    """

    service: str
    address: str
    port: int
    said: str


def judge_ports(listening: Sequence[Listening]) -> Iterator[Fault]:
    """Whether inner services can be reached from other machines."""
    for port in listening:
        if not is_loopback(port.address):
            where = "every address" if port.address in EVERYWHERE else port.address
            yield Fault(
                f"{port.service}, port {port.port} ({port.said})",
                "that it listens on 127.0.0.1 or on the stack's own network",
                f"it listens on {where}",
                "Bind it to 127.0.0.1, or take the port out of `ports:`; containers reach each other without it",
            )


def look_at_ports(sight: Sight) -> list[Listening]:
    """Read who listens on this machine, and what the compose file publishes."""
    published = list(published_ports(read_compose() or {})) if sight.options.uses_celery else []
    return [*published, *_listening({place.port: service for service, place in _services(sight)})]


def _services(sight: Sight) -> Iterator[tuple[str, Place]]:
    """Yield the inner services that the configuration names."""
    urls = {
        "postgres": [sight.settings.ledger_url, sight.options.value("database", "sql_alchemy_conn")],
        "redis": [sight.options.value("celery", "broker_url")] if sight.options.uses_celery else [],
        "mlflow": [sight.settings.tracking_uri],
    }
    for service, each in urls.items():
        yield from ((service, place) for place in map(place_of, each) if place is not None)


def _listening(named: Mapping[int, str]) -> Iterator[Listening]:
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied as error:
        raise Unseen("this system shows only administrators who listens on its ports") from error
    seen = set()
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port in named:
            seen.add((connection.laddr.ip, connection.laddr.port))
    for address, port in sorted(seen):
        yield Listening(named[port], address.removeprefix("::ffff:"), port, "seen on this machine")


def published_ports(compose: Mapping[str, Any]) -> Iterator[Listening]:
    """Yield the ports of inner services that a compose file publishes.

    Args:
        compose: As read. https://github.com/compose-spec/compose-spec/blob/main/05-services.md#ports
    """
    for service, about in (compose.get("services") or {}).items():
        for port in about.get("ports") or () if service in INNER else ():
            address, published = _published(port)
            if published:
                yield Listening(service, address, published, COMPOSE)


def _published(port: object) -> tuple[str, int]:
    """Return the address and the first port of the host; 0 for a port that is not published under a number of its own."""
    if isinstance(port, Mapping):
        port = {name: DEFAULT.sub(r"\1", str(value)) for name, value in port.items()}
        address, published = str(port.get("host_ip", "")), str(port.get("published", ""))
    else:
        host, _, _ = DEFAULT.sub(r"\1", str(port)).partition("/")[0].rpartition(":")
        address, _, published = host.rpartition(":")
    with suppress(ValueError):
        return address.strip("[]"), int(published.partition("-")[0])
    return address, 0


def read_compose() -> Mapping[str, Any] | None:
    """Return the stack's definition; None if it is not on this machine.

    Raises:
        Unseen: It cannot be read.
    """
    import yaml

    from pipelines.engine.settings import REPOSITORY

    file = REPOSITORY / COMPOSE
    if not file.is_file():
        return None
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise Unseen(f"{COMPOSE} cannot be read: {str(error).splitlines()[0]}") from error
    return read if isinstance(read, Mapping) else {}


def judge_https(urls: Mapping[str, str]) -> Iterator[Fault]:
    """Whether logins and models go over the line as they are. `urls`: by whose they are."""
    for who, url in urls.items():
        place = place_of(url)
        if place is None or place.scheme != "http":
            continue
        far = not place.is_here and not place.is_private
        yield Fault(
            who,
            "https",
            f"http, {'on this machine alone' if place.is_here else f'to {place.host}'}",
            "Put a proxy with a certificate before it, and name it with https://"
            if far
            else "Good enough as long as nobody else reaches this network",
            grave=far,
        )


def look_at_addresses(sight: Sight) -> dict[str, str]:
    """Return the addresses of what people and machines log in to."""
    urls = {
        f"Airflow's pages ({variable('api', 'base_url')})": sight.options.value("api", "base_url"),
        "links in messages (NIGHTSHIFT_AIRFLOW_UI)": sight.settings.airflow_ui or "",
        "MLflow (NIGHTSHIFT_TRACKING_URI)": sight.settings.tracking_uri,
        "MLflow's pages (NIGHTSHIFT_MLFLOW_UI)": sight.settings.mlflow_ui or "",
        f"tasks ({variable('core', 'execution_api_server_url')})": sight.options.value(
            "core", "execution_api_server_url"
        ),
    }
    with suppress(NotUsed, Unseen):
        from nightshift.hardening.stores import bucket_of

        urls[f"the object store (connection {sight.settings.aws_connection})"] = bucket_of(sight).endpoint
    return {who: url for who, url in urls.items() if place_of(url) is not None}


CHECKS = (
    Check(
        "open-ports",
        "Network",
        "inner services are reached by the stack alone",
        f"who listens on this machine, and {COMPOSE}",
        look_at_ports,
        judge_ports,
    ),
    Check(
        "https",
        "Network",
        "logins are not sent in the clear",
        "AIRFLOW__API__BASE_URL, NIGHTSHIFT_AIRFLOW_UI, NIGHTSHIFT_TRACKING_URI, NIGHTSHIFT_MLFLOW_UI, the store's connection",
        look_at_addresses,
        judge_https,
    ),
)
