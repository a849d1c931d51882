"""Real Prometheus and Alertmanager, from Debian's packages, on free ports of the loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from nightshift.drill.servers.guarded import Guarded, start_on_free_port

LOOPBACK = "127.0.0.1"
DOCKER = Path(__file__).resolve().parents[2] / "docker"
NOT_INSTALLED = "{} is not installed; run `apt-get install --no-install-recommends prometheus prometheus-alertmanager`"
NOBODY: dict[str, Any] = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


def program(*names: str) -> str:
    """The path of a program under one of its names; the test fails, and says what to install, if there is none."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.fail(NOT_INSTALLED.format(names[0]), pytrace=False)


def tool(*words: str, folder: Path | None = None, code: int = 0) -> str:
    """Run promtool or amtool; what it says."""
    done = subprocess.run(
        [program(words[0]), *words[1:]], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@dataclass
class Served:
    """A server that runs; `folder` holds its files."""

    port: int
    process: Guarded
    folder: Path

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def get(self, path: str, **parameters: str) -> Any:
        """What it answers, read as JSON."""
        answer = httpx.get(f"http://{self.address}{path}", params=parameters, trust_env=False, timeout=10)
        assert answer.is_success, answer.text
        return answer.json()


@dataclass
class Alertmanager(Served):
    """A real Alertmanager."""

    @property
    def url(self) -> str:
        """A route's URL."""
        return f"alertmanager://{self.address}"

    def alerts(self, **labels: str) -> list[dict[str, Any]]:
        """The alerts that are on, with these labels."""
        found = self.get("/api/v2/alerts")
        return [alert for alert in found if labels.items() <= alert["labels"].items()]

    def names(self, **labels: str) -> list[str]:
        """The names of the alerts that are on, with these labels."""
        return sorted(alert["labels"]["alertname"] for alert in self.alerts(**labels))


@contextmanager
def alertmanager_server(folder: Path, configuration: Mapping[str, Any] | None = None) -> Iterator[Alertmanager]:
    """Run Alertmanager; without a configuration it tells nobody."""
    config = folder / "alertmanager.yml"
    config.write_text(yaml.safe_dump(dict(configuration or NOBODY)))
    command = [program("prometheus-alertmanager", "alertmanager"), f"--config.file={config}"]
    command += [f"--storage.path={folder / 'alertmanager'}", "--cluster.listen-address="]
    process, port = start_on_free_port(lambda port: _start("Alertmanager", command, folder, port, "/-/ready"))
    try:
        yield Alertmanager(port, process, folder)
    finally:
        process.stop()


@contextmanager
def prometheus_server(folder: Path, configuration: Mapping[str, Any]) -> Iterator[Served]:
    """Run Prometheus."""
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(dict(configuration)))
    command = [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'prometheus'}"]
    process, port = start_on_free_port(lambda port: _start("Prometheus", command, folder, port, "/-/ready"))
    try:
        yield Served(port, process, folder)
    finally:
        process.stop()


def _start(name: str, command: list[str], folder: Path, port: int, path: str) -> Guarded:
    process = Guarded(
        name,
        [*command, f"--web.listen-address={LOOPBACK}:{port}"],
        log=folder / f"{name.lower()}.log",
        environment=os.environ,
        folder=folder,
    )

    def answers() -> bool:
        try:
            return httpx.get(f"http://{LOOPBACK}:{port}{path}", trust_env=False, timeout=5).is_success
        except httpx.HTTPError:
            return False

    process.wait_until(answers)
    return process
