"""What all proxies are: a port on the loopback interface that can be taken down and up again at once.

A proxy stands between a client and a server, so that the server itself need not be restarted to be unreachable. It runs
in a thread of its own; faults are ordered from any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 1 << 16

Address = tuple[str, int]
Result = TypeVar("Result")


class Proxy(ABC):
    """A port that passes on to `upstream` whatever is sent to it, while it is up.

    Args:
        upstream: Host and port of the server behind it, which need not run yet.
    """

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.port = 0
        self._connections: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None

    @property
    def address(self) -> Address:
        """Where clients find it."""
        return LOOPBACK, self.port

    def __enter__(self) -> Self:
        # Keeps the port ours while the proxy is down: bound, but not listening, it refuses connections.
        self._reservation = _bound_socket(0)
        self.port = self._reservation.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="drill-proxy", daemon=True)
        self._thread.start()
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
        self._run(_cancel_the_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._reservation.close()

    def down(self) -> None:
        """Cut all connections, and refuse new ones; does nothing when it is down already."""
        self._run(self._close())

    def up(self) -> None:
        """Accept connections; does nothing when it is up already."""
        self._run(self._open())

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until one of the two is through with the other."""

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        if self._listener is None:
            self._listening = _bound_socket(self.port)
            self._listener = await asyncio.start_server(self._accept, sock=self._listening)

    async def _close(self) -> None:
        if self._listener is not None:
            # A fork of this process shares the socket: closing our end alone would leave it listening.
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for writer in list(self._connections):
            cut(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._listener is None:  # it was on its way in when the proxy went down
            cut(writer)
            return
        self._connections.add(writer)
        try:
            await self.serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # one of the two ends went away, or the proxy did: the other is told below
        finally:
            self._connections.discard(writer)
            cut(writer)


def cut(writer: asyncio.StreamWriter) -> None:
    """Close a connection at once, whoever else holds it open."""
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)
    writer.transport.abort()


def _bound_socket(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((LOOPBACK, port))
    return bound


async def _cancel_the_rest() -> None:
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
