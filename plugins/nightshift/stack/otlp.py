"""What OTLP requests add to what is known, and how Prometheus reads it. No socket, no file, no clock.

Metrics follow OpenTelemetry's data model (https://opentelemetry.io/docs/specs/otel/metrics/data-model/) and come out as the
container's collector exports them with `docker/otel-collector/config.yaml`: names without suffixes, dots as underscores, the
service's name as the label `job`, and of histograms (Airflow's timers) a sum and a count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Kind = Literal["counter", "gauge"]
Labels = tuple[tuple[str, str], ...]
CUMULATIVE = 2
"""AGGREGATION_TEMPORALITY_CUMULATIVE of opentelemetry/proto/metrics/v1/metrics.proto; delta is 1."""
MOST_WRITERS = 10_000
"""Processes whose cumulative counts are remembered; the ones that were heard longest ago are forgotten."""


@dataclass
class _Family:
    kind: Kind
    said: str
    numbers: dict[Labels, float] = field(default_factory=dict)


class Measures:
    """All that was measured since the start."""

    def __init__(self) -> None:
        self._families: dict[str, _Family] = {}
        self._writers: dict[tuple[str, Labels, Labels, int], float] = {}

    def take(self, request: ExportMetricsServiceRequest) -> None:
        """Add what one process sends. Deltas are added up, whoever sends them and in whatever order."""
        for resource in request.resource_metrics:
            origin = labels_of(resource.resource.attributes)
            job = tuple(("job", value) for name, value in origin if name == "service_name")
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self._take(metric, job, origin)

    def _take(self, metric: Any, job: Labels, origin: Labels) -> None:
        what = metric.WhichOneof("data")
        if what is None or what == "summary":  # no SDK makes summaries
            return
        data = getattr(metric, what)
        grows = what != "gauge" and (what != "sum" or data.is_monotonic)
        for point in data.data_points:
            labels = tuple(sorted({**dict(job), **dict(labels_of(point.attributes))}.items()))
            for name, number in _numbers(name_of(metric.name), point):
                family = self._families.setdefault(name, _Family("counter" if grows else "gauge", metric.description))
                if not grows:
                    family.numbers[labels] = number
                    continue
                before = 0.0
                if data.aggregation_temporality == CUMULATIVE:
                    before = self._before((name, labels, origin, point.start_time_unix_nano), number)
                family.numbers[labels] = family.numbers.get(labels, 0.0) + number - before

    def _before(self, writer: tuple[str, Labels, Labels, int], number: float) -> float:
        """What this process had counted when it was heard last; nothing for a new one."""
        before = self._writers.pop(writer, 0.0)
        self._writers[writer] = number
        if len(self._writers) > MOST_WRITERS:
            del self._writers[next(iter(self._writers))]
        return before

    def text(self) -> str:
        """Write everything in Prometheus' text format, version 0.0.4."""
        return "".join(f"{line}\n" for name in sorted(self._families) for line in self._lines(name))

    def _lines(self, name: str) -> Iterator[str]:
        family = self._families[name]
        if family.said:
            yield f"# HELP {name} {_escaped(family.said, quotes=False)}"
        yield f"# TYPE {name} {family.kind}"
        for labels, number in sorted(family.numbers.items()):
            yield f"{name}{_written(labels)} {_shown(number)}"


def spans_of(request: ExportTraceServiceRequest) -> Iterator[dict[str, object]]:
    """The spans of a request, each as one flat object: ids in hexadecimal, times in seconds since 1970."""
    for resource in request.resource_spans:
        origin = dict(labels_of(resource.resource.attributes))
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {
                    "name": span.name,
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent_id": span.parent_span_id.hex() or None,
                    "start": span.start_time_unix_nano / 1e9,
                    "seconds": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                    "failed": span.status.code == span.status.STATUS_CODE_ERROR,
                    "service": origin.get("service_name"),
                    "attributes": {one.key: _plain(one.value) for one in span.attributes},
                }


def name_of(name: str) -> str:
    """A measure's or a label's name as Prometheus takes it: `airflow.ti.finish` -> `airflow_ti_finish`."""
    cleaned = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    return f"_{cleaned}" if cleaned[:1].isdigit() else cleaned


def labels_of(attributes: Sequence[KeyValue]) -> Labels:
    """Attributes as sorted labels."""
    return tuple(sorted((name_of(one.key), _said(_plain(one.value))) for one in attributes))


def _plain(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return [_plain(one) for one in value.array_value.values]
    if which == "kvlist_value":
        return {one.key: _plain(one.value) for one in value.kvlist_value.values}
    return value.bytes_value.hex() if which == "bytes_value" else which and getattr(value, which)


def _said(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _numbers(name: str, point: Any) -> Iterable[tuple[str, float]]:
    """What one point says: a number, or the sum and the count of a histogram."""
    if hasattr(point, "bucket_counts") or hasattr(point, "zero_count"):
        return (f"{name}_sum", float(point.sum)), (f"{name}_count", float(point.count))
    return ((name, float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)),)


def _written(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(text: str, *, quotes: bool = True) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _shown(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
