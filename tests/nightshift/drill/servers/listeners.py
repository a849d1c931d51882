"""Two small servers that remember what reached them."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shouter(socketserver.BaseRequestHandler):
    """Answers each piece of bytes in capitals, and leaves when it is told goodbye."""

    def handle(self):
        while data := self.request.recv(4096):
            self.server.heard.append(data)
            self.request.sendall(data.upper())
            if data == b"bye":
                return


class Keeper(BaseHTTPRequestHandler):
    """Keeps what is put, and gives it back."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) < int(self.headers["Content-Length"]):
            self.server.heard.append(("half", self.path, dict(self.headers), body))
            self.close_connection = True
            return
        self.server.heard.append(("PUT", self.path, dict(self.headers), body))
        self.server.kept[self.path] = body
        self.answer(201, b"")

    def do_GET(self):
        self.server.heard.append(("GET", self.path, dict(self.headers), b""))
        found = self.server.kept.get(self.path)
        self.answer(404 if found is None else 200, b"nothing" if found is None else found)

    do_HEAD = do_GET  # noqa: N815

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(server):
    server.daemon_threads = True
    server.heard, server.kept = [], {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def shouter():
    return serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Shouter))


def keeper():
    return serving(ThreadingHTTPServer(("127.0.0.1", 0), Keeper))
