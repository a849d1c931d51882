"""The collector's file, without its program: that its parts fit together, and are in the order that sums need."""

from __future__ import annotations

import pytest
import yaml

from nightshift.stack.collector import METRICS_PORT, PORT
from tests.support.monitoring import DOCKER

FILE = yaml.safe_load((DOCKER / "otel-collector/config.yaml").read_text())
METRICS = FILE["service"]["pipelines"]["metrics"]["processors"]


@pytest.mark.parametrize("kind", ["receivers", "processors", "exporters"])
def test_pipelines_use_what_is_configured_and_nothing_is_left_over(kind):
    used = {name for pipeline in FILE["service"]["pipelines"].values() for name in pipeline[kind]}
    if kind == "exporters":  # which of both spans go to is a variable, and the first by default
        used = (used - {"${env:TRACES_EXPORTER:-file/spans}"}) | {"file/spans", "otlp/traces"}
    assert used == set(FILE[kind])
    assert set(FILE["service"]["extensions"]) == set(FILE["extensions"])


def test_counts_of_many_processes_can_be_added_up():
    """Tasks differ in their instance, send at the same time, and in whatever order: each breaks deltatocumulative."""
    assert FILE["processors"]["resource"]["attributes"] == [{"key": "service.instance.id", "action": "delete"}]
    steps = ["resource", "batch", "transform/order", "deltatocumulative"]
    assert [name for name in METRICS if name in steps] == steps
    assert METRICS[0] == "memory_limiter"
    assert METRICS[-1] == "deltatocumulative"


def test_times_become_sums_and_counts_before_histograms_are_dropped():
    times = METRICS.index("transform/times")
    assert METRICS[times + 1] == "filter/times"
    said = " ".join(FILE["processors"]["transform/times"]["metric_statements"])
    assert "extract_sum_metric(true)" in said
    assert "extract_count_metric(true)" in said


def test_counters_outlive_the_week_between_two_trainings():
    stale = FILE["processors"]["deltatocumulative"]["max_stale"]
    assert stale == FILE["exporters"]["prometheus"]["metric_expiration"]
    assert int(stale.removesuffix("h")) > 7 * 24


def test_stand_in_listens_where_the_collector_does():
    assert FILE["receivers"]["otlp"]["protocols"]["http"]["endpoint"] == f"0.0.0.0:{PORT}"
    assert FILE["exporters"]["prometheus"]["endpoint"] == f"0.0.0.0:{METRICS_PORT}"
    assert FILE["extensions"]["health_check"]["endpoint"] == "0.0.0.0:13133"
