"""SageMaker over HTTP: moto's server, and in front of it what moto leaves out or real networks add.

Moto 5.2.5 lets a second `CreateTrainingJob` replace the first (Amazon answers `ResourceInUse`), ends every job at once, and
has no `StopTrainingJob`. Faults are asked for by operation: refuse the next requests, or do something after Amazon took one
and before its reply leaves, such as dropping the connection or killing who asked.
"""

from __future__ import annotations

import json
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

REGION = "eu-west-1"


class Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        pass


class SageMakerServer:
    """A context in which `url` speaks SageMaker."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.after: dict[str, Callable[[], object]] = {}
        self._refusals: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Quiet)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> SageMakerServer:
        self.jobs.clear()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def jobs(self) -> dict[str, Any]:
        """Moto's jobs by name."""
        return get_backend("sagemaker")[DEFAULT_ACCOUNT_ID][REGION].training_jobs

    @property
    def connection(self) -> str:
        """An Airflow connection to this server; boto's own retries are off, so that each fault is felt."""
        extra = {
            "endpoint_url": self.url,
            "region_name": REGION,
            "config_kwargs": {"retries": {"total_max_attempts": 1}},
        }
        return json.dumps({"conn_type": "aws", "login": "somebody", "password": "something", "extra": extra})

    def end(self, name: str, status: str = "Completed", **said: Any) -> None:
        """Let a job end."""
        job = self.jobs[name]
        job.training_job_status = job.secondary_status = status
        for word, value in said.items():
            setattr(job, word, value)

    def refuse(self, operation: str, code: str, *, status: int = 400, times: int = 1) -> None:
        """Answer the next requests with an error."""
        self._refusals[operation] += [(status, code)] * times

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith("SageMaker."):
            return self._moto(environ, start_response)
        operation = target.partition(".")[2]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.asked.append(operation)
        status, answer = self._answer(operation, json.loads(body), environ, body)
        if (then := self.after.pop(operation, None)) and then() == DROP:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        start_response(f"{status} -", [("Content-Type", "application/x-amz-json-1.1")])
        return [answer]

    def _answer(self, operation: str, asked: dict[str, Any], environ: dict[str, Any], body: bytes) -> tuple[int, bytes]:
        if self._refusals[operation]:
            return error(*self._refusals[operation].pop(0))
        name = asked.get("TrainingJobName", "")
        if operation == "CreateTrainingJob" and name in self.jobs:
            return error(400, "ResourceInUse")
        if operation == "StopTrainingJob":
            self.end(name, "Stopped")
            return 200, b""
        answer = self._ask_moto(environ, body)
        if operation == "CreateTrainingJob":
            self.end(name, "InProgress", training_end_time=None)
        return answer

    def _ask_moto(self, environ: dict[str, Any], body: bytes) -> tuple[int, bytes]:
        from io import BytesIO

        said: list[int] = []
        answer = self._moto(
            {**environ, "wsgi.input": BytesIO(body)}, lambda status, *_: said.append(int(status.split()[0]))
        )
        text = b"".join(answer)
        return said[0], text


DROP = "drop the connection"


def lose_the_reply() -> str:
    """For `after`: the request was taken, and who asked hears nothing."""
    return DROP


def error(status: int, code: str) -> tuple[int, bytes]:
    return status, json.dumps({"__type": code, "message": f"{code}, says the test"}).encode()
