"""Real receivers of alerts on the loopback: an SMTP server, a webhook, and one that never answers."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

LOOPBACK = "127.0.0.1"


@dataclass
class MailServer:
    """An SMTP server that keeps what it gets.

    `refuses` is the answer to every message, if it shall be refused: `451 busy`. `hands_out` are the mails so far.
    """

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    refuses: str | None = None
    login: tuple[str, str] | None = None

    def url(self, user: str = "", password: str = "") -> str:
        """A route's URL; without a login for servers that want none."""
        who = f"{user}:{password}@" if user else ""
        return f"mailto://{who}{LOOPBACK}:{self.port}?from=night@example.org&to=team@example.org&smtp={LOOPBACK}"

    def titles(self) -> list[str]:
        return [str(mail["subject"]) for mail in self.mails]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuses:
            return self.refuses
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 kept"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, said: Any) -> AuthResult:
        right = isinstance(said, LoginPassword) and (said.login.decode(), said.password.decode()) == self.login
        return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(login: tuple[str, str] | None = None) -> Iterator[MailServer]:
    """Serve mail on a free port; with a login, nobody may send without it."""
    server = MailServer(port=_free_port(), login=login)
    asked = {"authenticator": server.authenticate, "auth_required": True, "auth_require_tls": False} if login else {}
    controller = Controller(server, hostname=LOOPBACK, port=server.port, **asked)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@dataclass(frozen=True)
class Request:
    """What a webhook got."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Webhook:
    """A webhook that keeps what it gets.

    `status` is what it answers, with the body `says`; `answers` are its next ones before that.
    """

    port: int
    requests: list[Request] = field(default_factory=list)
    status: int = 200
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    says: bytes = b""

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def url(self, path: str = "/alerts") -> str:
        """A route's URL."""
        return f"json://{self.address}{path}"

    @property
    def accepted(self) -> list[Any]:
        """The bodies of those that were not refused."""
        return [request.body for request in self.requests if request.headers["X-Answered"] == "200"]


@contextmanager
def webhook_server() -> Iterator[Webhook]:
    """Serve a webhook on a free port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status = hook.answers.pop(0) if hook.answers else hook.status
            headers = {**dict(self.headers.items()), "X-Answered": str(status)}
            hook.requests.append(Request(self.path, headers, json.loads(body or b"null")))
            self.send_response(status)
            for name, value in {**hook.headers, "Content-Length": str(len(hook.says))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(hook.says)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        hook = Webhook(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent_server() -> Iterator[int]:
    """Give the port of a server that accepts connections and never says a word."""
    with _accepting(lambda connection, over: over.wait()) as port:
        yield port


@contextmanager
def slow_server() -> Iterator[int]:
    """Give the port of a web server that answers sign by sign and never comes to an end: no wait for an answer is long."""

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.1):
            connection.sendall(b".")

    with _accepting(drip) as port:
        yield port


@contextmanager
def _accepting(serve: Callable[[socket.socket, threading.Event], object]) -> Iterator[int]:
    over = threading.Event()

    def hold(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(connection, over)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=hold, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server((LOOPBACK, 0), backlog=100) as server:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def closed_port() -> int:
    """A port that nobody listens on."""
    return _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
