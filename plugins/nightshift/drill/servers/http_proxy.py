"""A proxy in front of an HTTP server that fails requests on demand, in a process of its own.

Its own process, because some clients hold Python's interpreter lock while they wait for an answer (delta-rs when it
reads a table's history, pyarrow when it asks GCS for a file's size): a thread beside them could not answer.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nightshift.drill.servers.errors import ServerFailed
from nightshift.drill.servers.faults import Exchange, Fault
from nightshift.drill.servers.proxy import LOOPBACK, Address

PROGRAM = "nightshift.drill.servers.http_proxy_process"
PLUGINS = Path(__file__).resolve().parents[3]
GRACE_SECONDS = 10.0


class HttpProxy:
    """A port that passes HTTP requests on to `upstream`, while it is up and no fault fits.

    Args:
        upstream: Host and port of the server behind it, which need not run yet.

    Raises:
        ServerFailed: From any call, if the proxy's process has ended.
    """

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        self._one_question = threading.Lock()

    @property
    def address(self) -> Address:
        """Where clients find it."""
        return LOOPBACK, self.port

    @property
    def url(self) -> str:
        """The same for clients that want a URL; without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def exchanges(self) -> list[Exchange]:
        """All requests so far, in the order in which they were heard."""
        return [Exchange(**one) for one in self._ask("exchanges")]

    def asked(self, method: str, path: str = "") -> list[Exchange]:
        """Return the exchanges of a method whose path contains a regular expression."""
        return [one for one in self.exchanges if one.method == method and re.search(path, one.path)]

    def inject(self, *faults: Fault) -> None:
        """Let faults happen; of those that fit a request, the one ordered first does."""
        self._ask("inject", [asdict(fault) for fault in faults])

    def clear(self) -> None:
        """Forget the faults that have not happened, and all exchanges."""
        self._ask("clear")

    def down(self) -> None:
        """Cut all connections, and refuse new ones; does nothing when it is down already."""
        self._ask("down")

    def up(self) -> None:
        """Accept connections; does nothing when it is up already."""
        self._ask("up")

    def __enter__(self) -> Self:
        host, port = self.upstream
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", PROGRAM, str(os.getpid()), host, str(port)],
            env=os.environ | {"PYTHONPATH": str(PLUGINS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        self.port = self._ask("port")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None  # noqa: S101 - it was entered
        try:
            self._process.communicate(timeout=GRACE_SECONDS)  # it ends when nobody can ask it any more
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def _ask(self, question: str, argument: Any = None) -> Any:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ServerFailed(f"the drill's proxy to {self.upstream} is not running; use it in a `with` block")
        try:
            with self._one_question:
                process.stdin.write(json.dumps([question, argument]) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
        except (OSError, ValueError):  # the pipe is closed
            answer = ""
        if not answer:
            raise ServerFailed(f"the drill's proxy to {self.upstream} has ended (exit status {process.poll()})")
        return json.loads(answer)
