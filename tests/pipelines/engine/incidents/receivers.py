"""Receivers on loopback: one that answers, and some that do not as they should. And a sink that talks to them."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from types import TracebackType
from typing import Any, Self

from pipelines.engine.incidents.sinks import SinkError
from pipelines.engine.incidents.values import Message


class Receiver:
    """A server that takes one JSON line per connection and answers with one word.

    Attributes:
        got: What it has received, in order.
        answer: What it answers: `ok`, `no`, `never` (somebody must change the address), or nothing and hangs up: ``.
        go_on: While it is not set, nobody gets an answer.
    """

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answer = "ok"
        self.go_on = threading.Event()
        self.go_on.set()
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                receiver.got.append(json.loads(self.rfile.readline()))
                receiver.go_on.wait(60)
                self.wfile.write(receiver.answer.encode() + b"\n" if receiver.answer else b"")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def occasions(self) -> list[str]:
        return [message["occasion"] for message in self.got]


class LineSink:
    """Sends to a receiver, and waits for its word as long as it takes."""

    def __init__(self, port: int) -> None:
        self._port = port

    def send(self, message: Message) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=60) as connection:
            connection.sendall(json.dumps(message.to_json()).encode() + b"\n")
            said = connection.makefile().readline().strip()
        if said != "ok":
            raise SinkError(f"the receiver said {said!r}", retryable=said != "never")


def dead_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
