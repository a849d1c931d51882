"""The inside of an HTTP proxy: understands HTTP/1.1, fails single requests on demand, remembers what was asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightshift.drill.servers.faults import Exchange, Fault, Orders, readable
from nightshift.drill.servers.proxy import CHUNK_BYTES, Address, Proxy, cut

if TYPE_CHECKING:
    import h11

OF_ONE_CONNECTION = {b"connection", b"expect", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
"""Headers for the next hop alone (RFC 9110, section 7.6.1). Everything else is passed on unchanged; Host is signed."""

UNAVAILABLE = b"<Error><Code>ServiceUnavailable</Code><Message>Reduce your request rate.</Message></Error>"
"""In S3's words; other clients look at the status alone."""


@dataclass(frozen=True)
class Request:
    """A whole request, ready to be passed on."""

    head: h11.Request
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A whole answer, ready to be passed on."""

    head: h11.Response
    body: bytes


class HttpRelay(Proxy):
    """A proxy in front of an HTTP server; requests and answers are passed on whole, so none may be endless."""

    def __init__(self, upstream: Address) -> None:
        super().__init__(upstream)
        self.orders: Orders[Fault] = Orders()
        self.exchanges: list[Exchange] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client's requests, one after the other."""
        import h11

        client = h11.Connection(h11.SERVER)
        try:
            while request := await _receive_request(client, reader, writer):
                answer = await self._exchange(request)
                if answer is None:
                    return
                writer.write(_written(client, answer))
                await writer.drain()
                if client.our_state is not h11.DONE:
                    break
                client.start_next_cycle()
        except h11.ProtocolError as error:
            raise ConnectionError(f"not HTTP/1.1: {error}") from error
        await _close(writer)

    async def _exchange(self, request: Request) -> Answer | None:
        """Return the answer for the client; None: it shall hear none."""
        method, path = request.head.method.decode(), readable(request.head.target)
        headers = {name.decode("latin1"): value.decode("latin1") for name, value in request.head.headers}
        exchange = Exchange(method, path, headers)
        self.exchanges.append(exchange)
        fault = self.orders.take(lambda fault: fault.fits(method, path))
        exchange.fault = fault.kind if fault else None
        answer = await self._answer(request, fault)
        if answer is not None:
            exchange.status = answer.head.status_code
        return None if exchange.fault == "reply_lost" else answer

    async def _answer(self, request: Request, fault: Fault | None) -> Answer | None:
        match fault:
            case Fault(kind="cut"):
                return None
            case Fault(kind="cut_midway"):
                await self._ask_half(request)
                return None
            case Fault(kind="unavailable"):
                return _unavailable()
            case Fault(kind="slow"):
                await asyncio.sleep(fault.seconds)
        return await self._ask(request)

    async def _ask(self, request: Request) -> Answer:
        import h11

        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            upstream = h11.Connection(h11.CLIENT)
            writer.write(_written(upstream, request))
            await writer.drain()
            return await _receive_answer(upstream, reader)
        finally:
            cut(writer)

    async def _ask_half(self, request: Request) -> None:
        import h11

        _, writer = await asyncio.open_connection(*self.upstream)
        whole = _written(h11.Connection(h11.CLIENT), request)
        writer.write(whole[: len(whole) - (len(request.body) + 1) // 2])
        await _close(writer)


async def _receive_request(
    client: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    """Return a client's next request; None when it has closed the connection instead."""
    import h11

    head = await _next_event(client, reader, writer)
    if not isinstance(head, h11.Request):
        return None
    body = await _receive_body(client, reader, writer)
    headers = [*_for_the_next_hop(head, body), (b"Connection", b"close")]
    return Request(h11.Request(method=head.method, target=head.target, headers=headers), body)


async def _receive_answer(upstream: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    import h11

    head = await _next_event(upstream, reader)
    while isinstance(head, h11.InformationalResponse):
        head = await _next_event(upstream, reader)
    if not isinstance(head, h11.Response):
        raise ConnectionError("upstream closed the connection without an answer")
    body = await _receive_body(upstream, reader)
    headers = _for_the_next_hop(head, body)
    return Answer(h11.Response(status_code=head.status_code, reason=head.reason, headers=headers), body)


async def _receive_body(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None = None
) -> bytes:
    import h11

    parts = []
    while isinstance(event := await _next_event(connection, reader, writer), h11.Data):
        parts.append(bytes(event.data))
    return b"".join(parts)


async def _next_event(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None = None
) -> object:
    """Read until something has happened; `writer` is where a client waits to be told to send its body."""
    import h11

    while (event := connection.next_event()) is h11.NEED_DATA:
        if writer is not None and connection.they_are_waiting_for_100_continue:
            writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        connection.receive_data(await reader.read(CHUNK_BYTES))
    return event


def _written(connection: h11.Connection, message: Request | Answer) -> bytes:
    import h11

    parts = (message.head, h11.Data(data=message.body), h11.EndOfMessage())
    return b"".join(connection.send(part) or b"" for part in parts)


def _for_the_next_hop(head: h11.Request | h11.Response, body: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers that are passed on; a body that came in chunks goes on in one piece, with its length."""
    chunked = any(name == b"transfer-encoding" for name, _ in head.headers)
    dropped = OF_ONE_CONNECTION | ({b"content-length"} if chunked else set())
    kept = [(name, value) for name, value in head.headers.raw_items() if name.lower() not in dropped]
    return [*kept, (b"Content-Length", b"%d" % len(body))] if chunked else kept


def _unavailable() -> Answer:
    import h11

    headers = [(b"Content-Type", b"application/xml"), (b"Content-Length", b"%d" % len(UNAVAILABLE))]
    return Answer(h11.Response(status_code=503, reason=b"Service Unavailable", headers=headers), UNAVAILABLE)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection when everything that was written has left."""
    writer.close()
    await writer.wait_closed()
