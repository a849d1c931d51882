"""Where services are: pure rules about addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

PORTS = {"postgresql": 5432, "redis": 6379, "rediss": 6379, "http": 80, "https": 443}
EVERYWHERE = ("", "0.0.0.0", "::", "*")  # noqa: S104 - nothing is bound: it is what others must not bind
PRIVATE_ENDINGS = (".svc", ".svc.cluster.local", ".internal", ".local")


@dataclass(frozen=True)
class Place:
    """A service: its scheme, host and port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_here(self) -> bool:
        """Whether only this machine reaches it under this name."""
        return is_loopback(self.host)

    @property
    def is_private(self) -> bool:
        """Whether its name is one of a network that is nobody else's: a container's, a cluster's, or a private address."""
        if self.host.endswith(PRIVATE_ENDINGS) or ("." not in self.host and ":" not in self.host):
            return True
        try:
            return ipaddress.ip_address(self.host).is_private
        except ValueError:
            return False


def place_of(url: str) -> Place | None:
    """Return where a URL leads; None if it names no server. What its login is, is not kept."""
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    return Place(scheme, host, port or PORTS.get(scheme, 0))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, for this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bare(url: str) -> str:
    """Return the scheme, host and port of a URL, without login, path and parameters."""
    place = place_of(url)
    if place is None:
        return ""
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"{place.scheme}://{host}:{place.port}" if place.port else f"{place.scheme}://{host}"
