"""What OTLP requests add to what is known, and how Prometheus reads it. No socket, no file, no clock.

Metrics follow OpenTelemetry's data model (https://opentelemetry.io/docs/specs/otel/metrics/data-model/) and come out as the
container's collector exports them with `docker/otel-collector/config.yaml`: names without suffixes, dots as underscores, the
service's name as the label `job`, exponential histograms in the fixed buckets below.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[tuple[str, str], ...]
CUMULATIVE = 2
"""AGGREGATION_TEMPORALITY_CUMULATIVE of opentelemetry/proto/metrics/v1/metrics.proto; delta is 1."""
MILLISECONDS = (
    *(0.0, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4),
    *(3e5, 6e5, 1.8e6, 3.6e6, 1.44e7, 8.64e7),
)
"""Upper bounds for Airflow's timers, up to a day. The first holds what took no time at all."""
SECONDS = (
    *(0.0, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0),
    *(7200.0, 14400.0, 28800.0, 86400.0),
)
"""Upper bounds for measures whose name ends with `.seconds`."""
MOST_WRITERS = 10_000
"""Processes whose cumulative counts are remembered; the ones that were heard longest ago are forgotten."""


@dataclass
class Buckets:
    """A histogram that only grows.

    Attributes:
        bounds: Upper bounds, without the last one, which is infinite.
        counts: How many values lie in each, one more than there are bounds.
        total: The sum of all values.
    """

    bounds: tuple[float, ...]
    counts: list[float]
    total: float = 0.0

    def add(self, other: Buckets, sign: int = 1) -> None:
        """Add, or with -1 take away, another histogram; one with other bounds replaces what is there."""
        if other.bounds != self.bounds:
            self.bounds, self.counts, self.total = other.bounds, [0.0] * len(other.counts), 0.0
        self.counts = [mine + sign * theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += sign * other.total


@dataclass
class _Family:
    kind: Kind
    said: str
    numbers: dict[Labels, float] = field(default_factory=dict)
    histograms: dict[Labels, Buckets] = field(default_factory=dict)


class Measures:
    """All that was measured since the start."""

    def __init__(self) -> None:
        self._families: dict[str, _Family] = {}
        self._writers: dict[tuple[str, Labels, Labels, int], float | Buckets] = {}

    def take(self, request: ExportMetricsServiceRequest) -> None:
        """Add what one process sends. Deltas are added up, whoever sends them and in whatever order."""
        for resource in request.resource_metrics:
            origin = labels_of(resource.resource.attributes)
            job = tuple(("job", value) for name, value in origin if name == "service_name")
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self._take(metric, job, origin)

    def _take(self, metric: Any, job: Labels, origin: Labels) -> None:
        name, what = name_of(metric.name), metric.WhichOneof("data")
        if what is None or what == "summary":  # no SDK makes summaries
            return
        data = getattr(metric, what)
        grows = what != "gauge" and (what != "sum" or data.is_monotonic)
        kind: Kind = "histogram" if what.endswith("histogram") else "counter" if grows else "gauge"
        family = self._families.setdefault(name, _Family(kind, metric.description))
        if family.kind != kind:
            return
        for point in data.data_points:
            labels = tuple(sorted({**dict(job), **dict(labels_of(point.attributes))}.items()))
            if kind == "gauge":
                family.numbers[labels] = _number(point)
                continue
            value = _number(point) if kind == "counter" else _buckets(metric.name, what, point)
            before = None
            if data.aggregation_temporality == CUMULATIVE:
                before = self._before((name, labels, origin, point.start_time_unix_nano), value)
            if isinstance(value, Buckets):
                mine = family.histograms.setdefault(labels, Buckets(value.bounds, [0.0] * len(value.counts)))
                mine.add(value)
                if isinstance(before, Buckets):
                    mine.add(before, -1)
            else:
                family.numbers[labels] = family.numbers.get(labels, 0.0) + value - _float(before)

    def _before(self, writer: tuple[str, Labels, Labels, int], value: float | Buckets) -> float | Buckets | None:
        """What this process had counted when it was heard last; None for a new one."""
        before = self._writers.pop(writer, None)
        self._writers[writer] = value
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
        for labels, histogram in sorted(family.histograms.items(), key=lambda one: one[0]):
            so_far = 0.0
            for bound, count in zip((*histogram.bounds, math.inf), histogram.counts, strict=True):
                so_far += count
                yield f"{name}_bucket{_written((*labels, ('le', _shown(bound))))} {_shown(so_far)}"
            yield f"{name}_sum{_written(labels)} {_shown(histogram.total)}"
            yield f"{name}_count{_written(labels)} {_shown(so_far)}"


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


def _number(point: Any) -> float:
    return float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)


def _float(value: float | Buckets | None) -> float:
    return value if isinstance(value, float) else 0.0


def _buckets(name: str, what: str, point: Any) -> Buckets:
    if what == "histogram":
        counts = [float(count) for count in point.bucket_counts] or [float(point.count)]
        return Buckets(tuple(point.explicit_bounds), counts, point.sum)
    bounds = SECONDS if name.endswith(".seconds") else MILLISECONDS
    found = Buckets(bounds, [0.0] * (len(bounds) + 1), point.sum)
    found.counts[0] += float(point.zero_count + sum(point.negative.bucket_counts))
    for index, count in enumerate(point.positive.bucket_counts, start=point.positive.offset):
        # The upper end of an exponential bucket: base ** (index + 1), with base = 2 ** (2 ** -scale).
        found.counts[bisect_left(bounds, 2.0 ** ((index + 1) * 2.0**-point.scale))] += count
    return found


def _written(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(text: str, *, quotes: bool = True) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _shown(number: float) -> str:
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)
