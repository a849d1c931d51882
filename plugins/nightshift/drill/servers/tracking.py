"""An MLflow tracking server: a real one, with its database and artifacts in a folder of the sandbox."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from model_registry import mlflow_environment
from nightshift.drill.servers.errors import NotInstalled
from nightshift.drill.servers.guarded import Guarded, start_on_free_port
from nightshift.drill.servers.http_proxy import HttpProxy
from nightshift.drill.servers.proxy import LOOPBACK, Address


class TrackingServer:
    """A server that clients reach through a proxy, so that it is down and up again at once.

    Args:
        folder: Where it keeps its database and artifacts; made if need be. They stay, so that a server started on the
            same folder knows them.

    Raises:
        NotInstalled: MLflow is not.
        ServerFailed: It does not start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: Guarded | None = None
        self._proxy: HttpProxy | None = None

    @property
    def proxy(self) -> HttpProxy:
        """What fails its requests on demand."""
        assert self._proxy is not None, "the tracking server is to be used in a `with` block"  # noqa: S101
        return self._proxy

    @property
    def uri(self) -> str:
        """The tracking URI, by way of the proxy."""
        return self.proxy.url

    def down(self) -> None:
        """Let it be unreachable."""
        self.proxy.down()

    def up(self) -> None:
        """Let it be reachable again."""
        self.proxy.up()

    def __enter__(self) -> Self:
        if importlib.util.find_spec("mlflow") is None:
            raise NotInstalled("the drill's tracking server needs MLflow; run `make setup`, or pip install mlflow")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process, port = start_on_free_port(self._start)
        try:
            self._proxy = HttpProxy((LOOPBACK, port)).__enter__()
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._proxy is not None:
            self._proxy.__exit__(kind, error, trace)
        if self._process is not None and not self._process.ended:
            self._process.stop()

    def _start(self, port: int) -> Guarded:
        # Not what the caller's own MLflow is told: this one is a world of its own.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        manners = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONUNBUFFERED": "1"}
        process = Guarded(
            "tracking server",
            [sys.executable, "-P", "-m", "mlflow", "server", *self._options(port)],
            log=self.folder / "server.log",
            environment=environment | mlflow_environment() | manners,
            folder=self.folder,
        )
        process.wait_until(lambda: _answers((LOOPBACK, port)))
        return process

    def _options(self, port: int) -> list[str]:
        options = {
            "--host": LOOPBACK,
            "--port": str(port),
            "--workers": "1",
            "--backend-store-uri": f"sqlite:///{self.folder.resolve() / 'mlflow.db'}",
            "--artifacts-destination": str(self.folder.resolve() / "artifacts"),
        }
        return [word for option in options.items() for word in option]


def _answers(address: Address) -> bool:
    import httpx

    try:
        return httpx.get(f"http://{address[0]}:{address[1]}/health", trust_env=False).is_success
    except httpx.TransportError:
        return False
