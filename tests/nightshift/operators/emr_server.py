"""EMR Serverless over HTTP: moto's server, and in front of it what moto leaves out or real networks add.

Moto keeps no client tokens apart (Amazon answers with the first job run), ends every job run at once, and refuses to list
an application that has none. Faults are asked for by operation.
"""

from __future__ import annotations

import json
import re
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable
from io import BytesIO
from threading import Lock, Thread
from typing import Any

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.emrserverless.models import JobRun
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tests.nightshift.operators.sagemaker_server import DROP, REGION, Quiet

PATH = re.compile(r"^/applications/(?P<application>\w+)/jobruns(?:/(?P<run>\w+))?$")


class EmrServer:
    """A context in which `url` speaks EMR Serverless, with one application."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.after: dict[str, Callable[[], object]] = {}
        self._refusals: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._tokens: dict[str, bytes] = {}
        self._lock = Lock()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Quiet)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> EmrServer:
        backend = get_backend("emr-serverless")[DEFAULT_ACCOUNT_ID][REGION]
        backend.job_runs.clear()
        nothing: dict[str, Any] = dict.fromkeys(
            ("initial_capacity", "maximum_capacity", "tags", "auto_start_configuration", "auto_stop_configuration")
        )
        made = backend.create_application(
            name="nights",
            release_label="emr-7.0.0",
            application_type="SPARK",
            client_token="",
            network_configuration=None,
            **nothing,
        )
        self.application, self._runs = made.id, backend.job_runs
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def jobs(self) -> list[JobRun]:
        """All job runs, the oldest first."""
        return self._runs.get(self.application, [])

    @property
    def connection(self) -> str:
        """An Airflow connection to this server; boto's own retries are off, so that each fault is felt."""
        extra = {
            "endpoint_url": f"http://127.0.0.1:{self._server.server_port}",
            "region_name": REGION,
            "config_kwargs": {"retries": {"total_max_attempts": 1}},
        }
        return json.dumps({"conn_type": "aws", "login": "somebody", "password": "something", "extra": extra})

    def refuse(self, operation: str, code: str, status: int) -> None:
        """Answer the next request with an error."""
        self._refusals[operation].append((status, code))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        found = PATH.match(environ["PATH_INFO"])
        if not found:
            return self._moto(environ, start_response)
        operation = {"POST": "start", "DELETE": "cancel"}.get(
            environ["REQUEST_METHOD"], "get" if found["run"] else "list"
        )
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with self._lock:
            self.asked.append(operation)
            status, answer = self._answer(operation, environ, body)
        if (then := self.after.pop(operation, None)) and then() == DROP:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        start_response(f"{status} -", [("Content-Type", "application/json")])
        return [answer]

    def _answer(self, operation: str, environ: dict[str, Any], body: bytes) -> tuple[int, bytes]:
        if self._refusals[operation]:
            status, code = self._refusals[operation].pop(0)
            return status, json.dumps({"__type": code, "message": f"{code}, says the test"}).encode()
        if operation == "list" and not self.jobs:
            return 200, b'{"jobRuns": []}'
        if operation != "start":
            return self._ask_moto(environ, body)
        token = json.loads(body)["clientToken"]
        if token not in self._tokens:
            status, answer = self._ask_moto(environ, body)
            assert status == 200, answer
            self._tokens[token] = answer
            self.jobs[-1].state = "RUNNING"
        return 200, self._tokens[token]

    def _ask_moto(self, environ: dict[str, Any], body: bytes) -> tuple[int, bytes]:
        said: list[int] = []
        answer = self._moto(
            {**environ, "wsgi.input": BytesIO(body)}, lambda status, *_: said.append(int(status.split()[0]))
        )
        text = b"".join(answer)
        return said[0], text
