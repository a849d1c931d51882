"""A real receiver of OTLP/HTTP on the loopback: it keeps the spans and the points that it gets."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

LOOPBACK = "127.0.0.1"
DELTA = 1


@dataclass(frozen=True)
class Span:
    """A span as it was sent; `parent` is empty for one that has none."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool


@dataclass(frozen=True)
class Point:
    """One value of a counter or a histogram (its sum and its number of values)."""

    name: str
    labels: dict[str, Any]
    value: float
    times: int
    is_delta: bool


@dataclass
class Received:
    """What a receiver got so far."""

    port: int
    spans: list[Span] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT is set to."""
        return f"http://{LOOPBACK}:{self.port}"

    def named(self, name: str) -> list[Span]:
        """The spans of a name."""
        return [span for span in self.spans if span.name == name]

    def sums(self, name: str, *labels: str) -> dict[tuple[Any, ...], float]:
        """What a metric's points add up to, by some of its labels; each point must be a delta."""
        total: Counter[tuple[Any, ...]] = Counter()
        for point in self.points:
            if point.name == name:
                assert point.is_delta, point
                total[tuple(point.labels.get(label) for label in labels)] += point.value  # type: ignore[assignment]
        return dict(total)


@contextmanager
def otlp_receiver() -> Iterator[Received]:
    """Receive on a free port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            if self.path == "/v1/traces":
                received.spans.extend(spans_of(ExportTraceServiceRequest.FromString(body)))
            else:
                received.points.extend(points_of(ExportMetricsServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        received = Received(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()


def spans_of(request: Any) -> list[Span]:
    """The spans of a request."""
    spans = [s for resource in request.resource_spans for scope in resource.scope_spans for s in scope.spans]
    return [
        Span(s.name, s.trace_id.hex(), s.span_id.hex(), s.parent_span_id.hex(), plain(s.attributes), s.status.code == 2)
        for s in spans
    ]


def points_of(request: Any) -> list[Point]:
    """The points of counters and histograms of a request."""
    metrics = [m for resource in request.resource_metrics for scope in resource.scope_metrics for m in scope.metrics]
    points = []
    for metric in metrics:
        kind = metric.WhichOneof("data")
        data = getattr(metric, kind)
        for point in data.data_points:
            value = point.sum if hasattr(point, "sum") else getattr(point, point.WhichOneof("value"))
            is_delta = getattr(data, "aggregation_temporality", 0) == DELTA
            points.append(Point(metric.name, plain(point.attributes), value, getattr(point, "count", 1), is_delta))
    return points


def plain(attributes: Sequence[Any]) -> dict[str, Any]:
    """Attributes as plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
