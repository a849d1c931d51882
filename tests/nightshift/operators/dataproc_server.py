"""Dataproc's batches over HTTP: create under an id, get, and cancel the operation, as Google's REST transport speaks them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PROJECT, REGION = "tides-project", "europe-west1"
BATCHES = re.compile(rf"^/v1/projects/{PROJECT}/locations/{REGION}/batches(?:/(?P<name>[a-z0-9-]+))?$")
CANCEL = re.compile(rf"^/v1/projects/{PROJECT}/regions/{REGION}/operations/(?P<name>[a-z0-9-]+):cancel$")
DROP = "drop the connection"


class DataprocServer:
    """A context in which `url` speaks Dataproc."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.after: dict[str, Callable[[], object]] = {}
        self._refusals: dict[str, list[int]] = defaultdict(list)
        self._lock = Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> DataprocServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def connection(self) -> str:
        """An Airflow connection that needs no credentials."""
        return json.dumps({"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True, "project": PROJECT}})

    def refuse(self, operation: str, status: int) -> None:
        """Answer the next request with an error."""
        self._refusals[operation].append(status)

    def answer(self, method: str, address: str, body: bytes) -> tuple[int, dict[str, Any], object]:
        """Return status, answer, and what the fault of this operation says."""
        url = urlsplit(address)
        batch, cancelled = BATCHES.match(url.path), CANCEL.match(url.path)
        assert batch or cancelled, f"{method} {address} is nothing that Dataproc has"
        operation = "cancel" if cancelled else "create" if method == "POST" else "get"
        with self._lock:
            self.asked.append(operation)
            if self._refusals[operation]:
                return (*error(self._refusals[operation].pop(0)), None)
            if cancelled:
                status, said = self._cancel(cancelled["name"])
            elif operation == "create":
                status, said = self._create(parse_qs(url.query)["batchId"][0], json.loads(body))
            else:
                status, said = (200, self.jobs[batch["name"]]) if batch["name"] in self.jobs else error(404)
        return status, said, then() if (then := self.after.pop(operation, None)) else None

    def _create(self, name: str, batch: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if name in self.jobs:
            return error(409)
        operation = f"projects/{PROJECT}/regions/{REGION}/operations/{name}"
        self.jobs[name] = {
            **batch,
            "name": f"projects/{PROJECT}/locations/{REGION}/batches/{name}",
            "state": "RUNNING",
            "operation": operation,
        }
        return 200, {"name": operation}

    def _cancel(self, name: str) -> tuple[int, dict[str, Any]]:
        self.jobs[name]["state"] = "CANCELLED"
        return 200, {}


def error(status: int) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"code": status, "message": f"{status}, says the test"}}


def _handler(server: DataprocServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer, fault = server.answer(self.command, self.path, body)
            if fault == DROP:
                self.close_connection = True
                return
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
