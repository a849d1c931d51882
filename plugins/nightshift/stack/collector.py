"""`python -m nightshift.stack.collector`: a stand-in for the OpenTelemetry Collector, for machines without a container engine.

It takes what Airflow and our steps send (OTLP/HTTP with protobuf), shows metrics to Prometheus, and keeps spans in a file. It
is small, and no more than that: no gRPC, no TLS, no login, no forwarding; what it counted is gone when it ends, as a
restarted collector's is. Where there are containers, `docker/otel-collector/config.yaml` does the same with the real one.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
import zlib
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from nightshift.stack.otlp import Measures, spans_of
from pipelines.engine.home import private_file

log = logging.getLogger(__name__)
PORT = 4318
METRICS_PORT = 8889
PROTOBUF = "application/x-protobuf"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
MOST_BYTES = 64 * 1024 * 1024
"""Of one request, unpacked."""
SPAN_FILE_BYTES = 32 * 1024 * 1024
"""After which a file of spans is put aside as `<name>.1`; the one that was there goes."""
STOP_SECONDS = 0.1
"""How often a server looks whether it shall stop."""
IDLE_SECONDS = 60.0
"""After which a connection that says nothing is closed: a killed process leaves one behind."""


class Refused(Exception):
    """A request cannot be taken; `status` is what HTTP calls it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Spans:
    """A file of spans, one JSON object in a line, readable by its owner alone.

    Args:
        path: The file; None to forget spans.
        most_bytes: From when on it is put aside.
    """

    def __init__(self, path: Path | None, most_bytes: int = SPAN_FILE_BYTES) -> None:
        self._path = path
        self._most = most_bytes

    def keep(self, spans: Iterable[dict[str, object]]) -> None:
        """Append spans.

        Raises:
            OSError: The file cannot be written.
        """
        if self._path is None:
            return
        if self._path.exists() and self._path.stat().st_size >= self._most:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        with private_file(self._path).open("a", encoding="utf-8") as stream:
            stream.writelines(f"{json.dumps(span)}\n" for span in spans)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # tasks of a night begin and end together


class Collector:
    """Both servers and what they share.

    Args:
        host: Where both listen.
        port: For OTLP/HTTP; 0 for any.
        metrics_port: For Prometheus; 0 for any.
        spans: Where spans go.
    """

    def __init__(self, host: str, port: int, metrics_port: int, spans: Spans) -> None:
        self._measures = Measures()
        self._spans = spans
        self._lock = threading.Lock()
        self._taking = _Server((host, port), _handler(self._answer_otlp))
        self._showing = _Server((host, metrics_port), _handler(self._answer_prometheus))

    @property
    def ports(self) -> tuple[int, int]:
        """Where OTLP is taken, and where Prometheus may ask."""
        return self._taking.server_port, self._showing.server_port

    def start(self) -> None:
        """Serve, in threads of its own."""
        for server in (self._taking, self._showing):
            threading.Thread(target=server.serve_forever, args=(STOP_SECONDS,), daemon=True).start()

    def stop(self) -> None:
        """Take no more requests."""
        for server in (self._taking, self._showing):
            server.shutdown()
            server.server_close()

    def _answer_otlp(self, request: BaseHTTPRequestHandler) -> tuple[str, bytes]:
        if request.command != "POST":
            raise Refused(405, "OTLP is sent with POST")
        kinds: dict[str, Callable[[bytes], None]] = {"/v1/metrics": self._take_metrics, "/v1/traces": self._take_spans}
        take = kinds.get(request.path)
        body = _body(request)
        if take is None:
            raise Refused(404, f"{request.path} is not taken here, only {' and '.join(kinds)}")
        if request.headers.get_content_type() != PROTOBUF:
            raise Refused(
                415, f"expected {PROTOBUF}, got {request.headers.get_content_type()}; set OTLP's http/protobuf"
            )
        try:
            with self._lock:
                take(body)
        except DecodeError as error:
            raise Refused(400, f"the body is no OTLP request: {error}") from error
        return PROTOBUF, b""  # an empty answer of either kind: everything was taken

    def _take_metrics(self, body: bytes) -> None:
        self._measures.take(ExportMetricsServiceRequest.FromString(body))

    def _take_spans(self, body: bytes) -> None:
        self._spans.keep(spans_of(ExportTraceServiceRequest.FromString(body)))

    def _answer_prometheus(self, request: BaseHTTPRequestHandler) -> tuple[str, bytes]:
        if request.path.partition("?")[0] != "/metrics":
            raise Refused(404, "measures are at /metrics")
        with self._lock:
            return TEXT, self._measures.text().encode()


def _handler(answer: Callable[[BaseHTTPRequestHandler], tuple[str, bytes]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = IDLE_SECONDS

        def do_GET(self) -> None:
            try:
                kind, content = answer(self)
                status = 200
            except Refused as error:
                status, kind, content = error.status, "text/plain", f"{error}\n".encode()
                log.warning("%s %s: %s", self.command, self.path, error)
            except OSError as error:  # the disk is full, for example; the sender tries again
                status, kind, content = 503, "text/plain", f"{error}\n".encode()
                log.error("%s %s: %s", self.command, self.path, error)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            if status != 200:
                self.send_header("Connection", "close")  # its body may not have been read
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - http.server's word

        def log_message(self, *words: Any) -> None:
            """Requests are not logged one by one."""

    return Handler


def _body(request: BaseHTTPRequestHandler) -> bytes:
    length = request.headers.get("Content-Length", "")
    if not length.isdigit():
        raise Refused(411, "say how long the body is (Content-Length)")
    if int(length) > MOST_BYTES:
        raise Refused(413, f"{length} bytes are too many; at most {MOST_BYTES} are taken")
    body = request.rfile.read(int(length))
    coding = request.headers.get("Content-Encoding", "identity")
    if coding not in ("gzip", "deflate", "identity"):
        raise Refused(415, f"expected gzip, deflate or nothing, got {coding}")
    if coding == "identity":
        return body
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # finds out by itself which of both it is
    try:
        body = unpacking.decompress(body, MOST_BYTES)
    except zlib.error as error:
        raise Refused(400, f"the body is not {coding}: {error}") from error
    if unpacking.unconsumed_tail:
        raise Refused(413, f"unpacked, the body has more than {MOST_BYTES} bytes")
    return body


def main(arguments: list[str] | None = None) -> int:
    """Collect until told to stop. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m nightshift.stack.collector", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where both listen; nobody is asked for a login")
    parser.add_argument("--port", type=int, default=PORT, help="for OTLP/HTTP")
    parser.add_argument("--metrics-port", type=int, default=METRICS_PORT, help="for Prometheus")
    parser.add_argument("--spans", type=Path, help="file for spans; without it they are forgotten")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    collector = Collector(options.host, options.port, options.metrics_port, Spans(options.spans))
    collector.start()
    taken, shown = collector.ports
    log.info(
        "OTLP/HTTP on %s:%s, measures for Prometheus on http://%s:%s/metrics", options.host, taken, options.host, shown
    )
    stopping.wait()
    collector.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
