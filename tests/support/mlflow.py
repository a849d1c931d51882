"""A real MLflow server on a free port of the loopback, gone when the test is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from model_registry import mlflow_environment


@contextmanager
def mlflow_server(database: Path, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a SQLite database; gives the URL and the process, whose group is killed in the end."""
    options = ["--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", str(folder / "served")]
    with mlflow_serves(options, folder) as served:
        yield served


@contextmanager
def mlflow_serves(
    options: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve what options of `mlflow server` say; gives the URL and the process, whose group is killed in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    manners = {**mlflow_environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *options],
            env={**os.environ, **manners, **(environment or {})},
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}/health", process, folder / "server.log")
            yield f"http://127.0.0.1:{port}", process
        finally:
            kill(process)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the test's own server
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the server and its workers at once."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
