"""Vertex AI's custom jobs over HTTP: create, list by label, get and cancel, as Google's REST transport speaks them.

The server gives ids and creation times, as Google does. Lists come in pages of one job, so that whoever forgets the second
page is found out. Faults are asked for by operation: refuse the next requests, or do something after one was taken and
before its reply leaves.
"""

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
PARENT = f"projects/{PROJECT}/locations/{REGION}"
PATH = re.compile(rf"^/v1/{PARENT}/customJobs(?:/(?P<number>\d+)(?P<cancel>:cancel)?)?$")
FILTER = re.compile(r'^labels\.(?P<label>\w+)="(?P<value>[^"]*)"$')
DROP = "drop the connection"


def lose_the_reply() -> str:
    """For `after`: the request was taken, and who asked hears nothing."""
    return DROP


class VertexServer:
    """A context in which `url` speaks Vertex AI."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.hidden: set[str] = set()
        self.asked: list[str] = []
        self.after: dict[str, Callable[[], object]] = {}
        self._refusals: dict[str, list[int]] = defaultdict(list)
        self._lock = Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> VertexServer:
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

    def only(self) -> dict[str, Any]:
        """The only job."""
        (job,) = self.jobs.values()
        return job

    def states(self) -> list[str]:
        """The states of all jobs, the oldest first."""
        return [job["state"].removeprefix("JOB_STATE_") for job in self.jobs.values()]

    def refuse(self, operation: str, status: int, times: int = 1) -> None:
        """Answer the next requests with an error."""
        self._refusals[operation] += [status] * times

    def answer(self, method: str, address: str, body: bytes) -> tuple[int, dict[str, Any], object]:
        """Return status, answer, and what the fault of this operation says."""
        found = PATH.match(urlsplit(address).path)
        assert found, f"{method} {address} is nothing that Vertex AI has"
        operation = self._operation(method, found)
        with self._lock:
            self.asked.append(operation)
            if self._refusals[operation]:
                return (*error(self._refusals[operation].pop(0)), None)
            number = found["number"]
            if number and number not in self.jobs:
                return (*error(404), None)
            answer = getattr(self, f"_{operation}")(number, parse_qs(urlsplit(address).query), json.loads(body or "{}"))
        return 200, answer, then() if (then := self.after.pop(operation, None)) else None

    def _operation(self, method: str, found: re.Match[str]) -> str:
        if found["cancel"]:
            return "cancel"
        if found["number"]:
            return "get"
        return "create" if method == "POST" else "list"

    def _create(self, _number: None, _query: dict[str, list[str]], job: dict[str, Any]) -> dict[str, Any]:
        number = str(len(self.jobs) + 1)
        self.jobs[number] = {
            **job,
            "name": f"{PARENT}/customJobs/{number}",
            "state": "JOB_STATE_PENDING",
            "createTime": f"2024-03-06T07:00:{len(self.jobs):02}Z",
        }
        return self.jobs[number]

    def _list(self, _number: None, query: dict[str, list[str]], _body: dict[str, Any]) -> dict[str, Any]:
        wanted = FILTER.match(query["filter"][0])
        assert wanted, query
        found = [
            job
            for number, job in reversed(self.jobs.items())
            if number not in self.hidden and job.get("labels", {}).get(wanted["label"]) == wanted["value"]
        ]
        begin = int(query.get("pageToken", ["0"])[0])
        more = {"nextPageToken": str(begin + 1)} if begin + 1 < len(found) else {}
        return {"customJobs": found[begin : begin + 1], **more}

    def _get(self, number: str, _query: dict[str, list[str]], _body: dict[str, Any]) -> dict[str, Any]:
        return self.jobs[number]

    def _cancel(self, number: str, _query: dict[str, list[str]], _body: dict[str, Any]) -> dict[str, Any]:
        self.jobs[number]["state"] = "JOB_STATE_CANCELLED"
        return {}

    def end(self, job: dict[str, Any], state: str = "SUCCEEDED", reason: str = "") -> None:
        """Let a job end after a minute and a half."""
        times = {"startTime": "2024-03-06T07:10:00Z", "endTime": "2024-03-06T07:11:30Z"}
        job.update(state=f"JOB_STATE_{state}", **times, **({"error": {"code": 3, "message": reason}} if reason else {}))


def error(status: int) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"code": status, "message": f"{status}, says the test"}}


def _handler(server: VertexServer) -> type[BaseHTTPRequestHandler]:
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
