"""The stand-in for the collector, spoken to by OpenTelemetry's own exporters, and read by Prometheus' own parser."""

from __future__ import annotations

import gzip
import json
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from prometheus_client.parser import text_string_to_metric_families

from nightshift.stack.collector import MOST_BYTES, PROTOBUF, Collector, Spans

DELTA = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}


@pytest.fixture
def collector(tmp_path) -> Iterator[Collector]:
    collector = Collector("127.0.0.1", 0, 0, Spans(tmp_path / "spans.jsonl", most_bytes=200))
    collector.start()
    yield collector
    collector.stop()


def address(collector: Collector, path: str = "") -> str:
    return f"http://127.0.0.1:{collector.ports[0]}{path}"


def origin() -> Resource:
    """Each process calls itself something else, and all of them Airflow."""
    return Resource.create({"service.name": "Airflow", "service.instance.id": uuid.uuid4().hex})


def process(collector: Collector, *, delta=True, compression=Compression.NoCompression, view=None) -> MeterProvider:
    """A process that measures as Airflow's do."""
    temporality = DELTA if delta else None
    place = address(collector, "/v1/metrics")
    exporter = OTLPMetricExporter(place, compression=compression, preferred_temporality=temporality)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    views = [View(instrument_type=Histogram, aggregation=view or ExponentialBucketHistogramAggregation())]
    return MeterProvider([reader], resource=origin(), views=views, shutdown_on_exit=False)


def count(provider: MeterProvider, number: int, **tags: str) -> None:
    provider.get_meter("a").create_counter("airflow.ti.finish").add(number, tags)
    provider.force_flush()


def measures(collector: Collector) -> dict[str, float]:
    text = httpx.get(f"http://127.0.0.1:{collector.ports[1]}/metrics", trust_env=False).text
    return {  # this parser, and no other, adds "_total" to the names of counters
        sample.name.removesuffix("_total")
        + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_counts_of_short_processes_are_added_up_in_whatever_order_they_come(collector, compression):
    early, late = process(collector, compression=compression), process(collector, compression=compression)
    late.get_meter("a").create_counter("airflow.ti.finish").add(2, {"state": "success"})
    count(early, 3, state="success")
    late.force_flush()
    count(early, 4, state="success")
    count(early, 1, state="failed")
    assert measures(collector) == {
        "airflow_ti_finish job=Airflow state=success": 9,
        "airflow_ti_finish job=Airflow state=failed": 1,
    }


def test_cumulative_counts_are_not_added_up_within_a_process_and_are_between_processes(collector):
    first, second = process(collector, delta=False), process(collector, delta=False)
    count(first, 3)
    count(first, 2)
    count(second, 10)
    count(first, 1)
    assert measures(collector) == {"airflow_ti_finish job=Airflow": 16}


def test_gauge_is_what_was_said_last_and_what_goes_up_and_down_is_a_gauge(collector):
    provider = process(collector)
    gauge = provider.get_meter("a").create_gauge("airflow.executor.open_slots", description="Slots.\nOpen ones.")
    running = provider.get_meter("a").create_up_down_counter("airflow.dag_processing.processes")
    for value in (16, 3):
        gauge.set(value)
        running.add(-1 if value == 3 else 5)
        provider.force_flush()
    assert measures(collector) == {
        "airflow_executor_open_slots job=Airflow": 3,
        "airflow_dag_processing_processes job=Airflow": 4,
    }
    text = httpx.get(f"http://127.0.0.1:{collector.ports[1]}/metrics", trust_env=False).text
    assert "# TYPE airflow_executor_open_slots gauge" in text
    assert "# HELP airflow_executor_open_slots Slots.\\nOpen ones.\n" in text


@pytest.mark.parametrize("view", [ExponentialBucketHistogramAggregation(), ExplicitBucketHistogramAggregation()])
@pytest.mark.parametrize("delta", [True, False])
def test_times_are_added_up_and_counted(collector, delta, view):
    for _ in range(2):
        provider = process(collector, delta=delta, view=view)
        histogram = provider.get_meter("a").create_histogram("airflow.task.duration", unit="ms")
        for value in (0.0, 180.25, 1e9):
            histogram.record(value, {"task_id": "score"})
            provider.force_flush()
    assert measures(collector) == {
        "airflow_task_duration_count job=Airflow task_id=score": 6,
        "airflow_task_duration_sum job=Airflow task_id=score": 2 * (180.25 + 1e9),
    }


def test_values_of_labels_come_back_as_they_were(collector):
    odd = 'a "quoted"\\ back\nslash'
    count(process(collector), 1, **{"file.path": odd})
    assert measures(collector) == {f"airflow_ti_finish file_path={odd} job=Airflow": 1}


def test_spans_are_kept_with_their_parents_and_for_their_owner_alone(collector, tmp_path):
    provider = TracerProvider(resource=origin(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(address(collector, "/v1/traces"))))
    tracer = provider.get_tracer("a")
    with (
        pytest.raises(RuntimeError),
        tracer.start_as_current_span("worker.score") as above,
        tracer.start_as_current_span("score", attributes={"nightshift.fence": 3, "tags": ("a", "b")}),
    ):
        raise RuntimeError("no")
    # Each is longer than the file may be, so the first was put aside when the second came.
    [inner] = [json.loads(line) for line in (tmp_path / "spans.jsonl.1").read_text().splitlines()]
    [outer] = [json.loads(line) for line in (tmp_path / "spans.jsonl").read_text().splitlines()]
    assert (inner["name"], outer["name"], inner["service"]) == ("score", "worker.score", "Airflow")
    assert inner["trace_id"] == outer["trace_id"] == format(above.get_span_context().trace_id, "032x")
    assert (inner["parent_id"], outer["parent_id"]) == (outer["span_id"], None)
    assert inner["attributes"] == {"nightshift.fence": 3, "tags": ["a", "b"]}
    assert inner["failed"]
    assert 0 <= inner["seconds"] <= outer["seconds"]
    assert stat.S_IMODE((tmp_path / "spans.jsonl").stat().st_mode) == 0o600


def test_sender_is_told_to_come_again_when_spans_cannot_be_kept():
    full = Collector("127.0.0.1", 0, 0, Spans(Path("/dev/full")))
    full.start()
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="score")
    content, headers = request.SerializeToString(), {"Content-Type": PROTOBUF}
    answer = httpx.post(address(full, "/v1/traces"), content=content, headers=headers, trust_env=False)
    full.stop()
    assert answer.status_code == 503  # the exporters' word for "try again"
    assert "No space left" in answer.text


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/v1/metrics", {"Content-Type": PROTOBUF}, b"nonsense", 400),
        ("/v1/metrics", {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"}, b"nonsense", 400),
        ("/v1/metrics", {"Content-Type": PROTOBUF, "Content-Encoding": "zstd"}, b"", 415),
        ("/v1/metrics", {"Content-Type": "application/json"}, b"{}", 415),
        (
            "/v1/metrics",
            {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"},
            gzip.compress(bytes(MOST_BYTES + 1), 1),
            413,
        ),
        ("/v1/logs", {"Content-Type": PROTOBUF}, b"", 404),
    ],
)
def test_what_is_no_otlp_is_refused_and_the_next_is_taken(collector, path, headers, body, status):
    answer = httpx.post(address(collector, path), headers=headers, content=body, trust_env=False)
    assert answer.status_code == status
    assert answer.text.strip()
    count(process(collector), 1)
    assert measures(collector) == {"airflow_ti_finish job=Airflow": 1}


def test_prometheus_finds_measures_at_one_path_only(collector):
    assert httpx.get(f"http://127.0.0.1:{collector.ports[1]}/", trust_env=False).status_code == 404
    assert httpx.get(address(collector, "/v1/metrics"), trust_env=False).status_code == 405
