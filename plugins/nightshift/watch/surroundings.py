"""What the watch sees of the machine and of the services around it: measured whenever Prometheus asks, and never by a turn.

Judging must not wait for a service that is silent, so nothing here is part of the watch's loop.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from pipelines.engine.settings import Settings

Address = tuple[str, int]
PATIENCE_SECONDS = 2.0
PORTS = {"http": 80, "https": 443, "postgresql": 5432}


class Surroundings(Collector):
    """How full disks are, and which services accept connections.

    Args:
        settings: Name the folders and the services; remote ones of the first and local ones of the second are left out.
    """

    def __init__(self, settings: Settings) -> None:
        self._folders = folders_of(settings)
        self._services = services_of(settings)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Look, and return what is seen."""
        said = "Share of the disk below a folder that is free."
        free = GaugeMetricFamily("nightshift_disk_free_ratio", said, labels=("folder",))
        for name, folder in self._folders.items():
            try:
                usage = shutil.disk_usage(folder)
            except OSError:  # not there, or no more: nothing is known of it
                continue
            free.add_metric((name,), usage.free / usage.total)
        yield free
        said = "Whether a service accepts connections: 1, or 0."
        reachable = GaugeMetricFamily("nightshift_reachable", said, labels=("service",))
        for name, address in self._services.items():
            reachable.add_metric((name,), float(_accepts(address)))
        yield reachable


def folders_of(settings: Settings) -> Mapping[str, Path]:
    """The folders of this machine that fill up, by the word that people know them by."""
    roots = {"home": str(settings.home), "data": settings.data, "tables": settings.tables, "reports": settings.reports}
    return {name: Path(root) for name, root in roots.items() if "://" not in root}


def services_of(settings: Settings) -> Mapping[str, Address]:
    """The services that steps need and that have an address of their own; an object store's is in its connection."""
    urls = {"ledger": settings.ledger_url, "mlflow": settings.tracking_uri}
    found = {name: _address(url) for name, url in urls.items()}
    return {name: address for name, address in found.items() if address is not None}


def _address(url: str) -> Address | None:
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    if scheme not in PORTS or not parts.hostname:  # SQLite, a folder, or a socket of this machine
        return None
    return parts.hostname, parts.port or PORTS[scheme]


def _accepts(address: Address) -> bool:
    try:
        with socket.create_connection(address, timeout=PATIENCE_SECONDS):
            return True
    except OSError:
        return False
