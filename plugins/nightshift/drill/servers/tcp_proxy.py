"""A proxy that passes bytes on, and breaks a connection when certain bytes come by."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from nightshift.drill.servers.faults import Orders
from nightshift.drill.servers.proxy import CHUNK_BYTES, Address, Proxy, cut


def _nothing() -> None:
    """What happens meanwhile when nobody says otherwise."""


@dataclass(frozen=True)
class StreamFault:
    r"""What shall happen when a client sends certain bytes, such as `b"COMMIT\0"` to PostgreSQL.

    Attributes:
        kind: `cut`: the server never gets them, and the connection is closed. `during`: the server gets them, and
            `meanwhile` runs at once. `reply_lost`: the server gets them and answers, and the connection is closed without
            the answer.
        marker: The bytes, which the client must send in one piece.
        times: How often; None: always.
        meanwhile: Runs at that moment, and what the client says next waits for it; to restart the server, say.
    """

    kind: Literal["cut", "during", "reply_lost"]
    marker: bytes
    times: int | None = 1
    meanwhile: Callable[[], None] = _nothing


class TcpProxy(Proxy):
    """A proxy in front of any server that waits to be asked, as PostgreSQL does."""

    def __init__(self, upstream: Address) -> None:
        super().__init__(upstream)
        self._orders: Orders[StreamFault] = Orders()

    def inject(self, *faults: StreamFault) -> None:
        """Let faults happen; of those whose bytes come by, the first ordered does."""
        for fault in faults:
            self._orders.add(fault)

    def clear(self) -> None:
        """Forget the faults that have not happened."""
        self._orders.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes both ways until one end closes or a fault does."""
        answers, upstream = await asyncio.open_connection(*self.upstream)
        passing = asyncio.create_task(_pass_on(answers, writer))
        try:
            while data := await reader.read(CHUNK_BYTES):
                fault = self._orders.take(lambda fault, data=data: fault.marker in data)  # type: ignore[misc]
                if fault is None:
                    upstream.write(data)
                    await upstream.drain()
                elif await self._happens(fault, data, answers, upstream, passing):
                    return
        finally:
            passing.cancel()
            cut(upstream)

    async def _happens(
        self,
        fault: StreamFault,
        data: bytes,
        answers: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
        passing: asyncio.Task[None],
    ) -> bool:
        """Let a fault happen, and say whether the connection is to be closed."""
        if fault.kind != "during":  # the client hears nothing any more
            passing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await passing
        if fault.kind != "cut":
            upstream.write(data)
            await upstream.drain()
        if fault.kind == "reply_lost":
            await answers.read(CHUNK_BYTES)  # once it answers, it has done what it was asked
        await asyncio.to_thread(fault.meanwhile)
        return fault.kind != "during"


async def _pass_on(answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what the server says; when it has closed, so does the client's connection."""
    try:
        while data := await answers.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the client went away, or the server was killed
    cut(writer)
