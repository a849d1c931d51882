"""How the house stands, as Prometheus reads it: from the ledger alone."""

from __future__ import annotations

import dataclasses

import pytest
from prometheus_client import generate_latest

from nightshift.watch import standing
from nightshift.watch.metrics import Metrics
from nightshift.watch.standing import Champion, Measuring, Standing
from nightshift.watch.turn import Watch
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Ledger
from pipelines.engine.telemetry.cost import Cost
from pipelines.engine.telemetry.names import WATCH

COUNTS = {"rows_in": 100, "rows_scored": 97, "rows_quarantined": 3}
CHECKED = {
    "summary": {"suite": "tides_rows", "failed_by_severity": {"critical": 0, "quarantine": 1, "warning": 2}},
    "drift": {"wind": 0.3, "height": 0.02},
}


@pytest.fixture
def ledger(desk):
    return Ledger(desk.settings.ledger_url)


@pytest.fixture
def finish(ledger):
    def finish(step, partition, result, cost=None, **inputs):
        key = TaskKey(pipeline="tides", step=step, partition=partition, inputs=inputs)
        ledger.finish(ledger.claim(key, holder="a"), result, cost)
        return key.digest

    return finish


@pytest.fixture
def lived(finish):
    """Two published nights, and a champion."""
    trained = finish("train", "2024-03-01", {"metrics": {"roc_auc": 0.8}}, Cost(50.0))
    finish("register", "2024-03-01", {"version": "2"}, trained=trained)
    finish("promote", "2024-03-01", {"version": "2", "promoted": True, "replaced": None})
    for night, seconds in (("2024-03-06", 9.0), ("2024-03-07", 2.0)):
        finish("validate", night, CHECKED, Cost(seconds, 1000, 10))
        finish("score", f"{night}#0", {"model_version": "2"}, Cost(1.5, 500, 40))
        finish("publish", night, {**COUNTS, "model_version": "2", "delta_version": 4})


def measured(desk, metrics=None):
    metrics = metrics or Metrics()
    Watch(desk.settings, metrics=metrics).turn()
    lines = generate_latest(metrics.registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_newest_night_the_champion_and_the_keys_are_measured(desk, lived):
    found = measured(desk)
    assert found['nightshift_keys{pipeline="tides",state="done",step="score"}'] == 2
    assert found['nightshift_night_rows{kind="quarantined",pipeline="tides"}'] == 3
    assert found['nightshift_champion_version{pipeline="tides"}'] == 2
    assert 0 <= found['nightshift_champion_age_seconds{pipeline="tides"}'] < 60
    assert found['nightshift_checks_failed{pipeline="tides",suite="tides_rows"}'] == 3
    assert found['nightshift_drift{pipeline="tides"}'] == 0.3
    assert found['nightshift_night_cpu_seconds{pipeline="tides"}'] == 3.5
    assert found['nightshift_night_bytes{direction="read",pipeline="tides"}'] == 1500
    assert found['nightshift_night_bytes{direction="written",pipeline="tides"}'] == 50


def test_night_that_was_not_measured_or_ran_elsewhere_shows_no_cost(desk, finish):
    finish("score", "2024-03-06#0", {"model_version": "2"}, Cost(elsewhere="spark"))
    finish("publish", "2024-03-06", {**COUNTS, "model_version": "2", "delta_version": 4})
    found = measured(desk)
    assert 'nightshift_night_rows{kind="in",pipeline="tides"}' in found
    assert not [name for name in found if name.startswith(("nightshift_night_cpu", "nightshift_night_bytes"))]


def test_empty_house_is_measured(desk):
    assert not [name for name in measured(desk) if name.startswith(("nightshift_keys", "nightshift_champion"))]


def test_champion_that_is_gone_is_shown_no_longer_and_ages_go_on_between_looks():
    metrics, champion = Metrics(), Champion(2, 1000.0, "roc_auc", 0.8)
    value = metrics.registry.get_sample_value
    metrics.show_standing(Standing(champions={"tides": champion}), 1010.0)
    assert value("nightshift_champion_metric", {"pipeline": "tides", "metric": "roc_auc"}) == 0.8
    metrics.show_standing(None, 1070.0)
    assert value("nightshift_champion_age_seconds", {"pipeline": "tides"}) == 70
    metrics.show_standing(Standing(), 1080.0)
    metrics.show_standing(None, 1090.0)
    assert value("nightshift_champion_version", {"pipeline": "tides"}) is None
    assert value("nightshift_champion_age_seconds", {"pipeline": "tides"}) is None


def test_keys_are_counted_now_and_then_and_trouble_with_them_fails_no_turn(desk, lived, monkeypatch, caplog):
    measuring = Measuring(desk.settings, patience=0.0)
    assert measuring.look() is not None
    assert measuring.look() is None
    gone = dataclasses.replace(desk.settings, ledger_url="sqlite:////no/such/ledger.db")
    assert Measuring(gone, patience=0.0).look() is None
    assert "cannot be measured" in caplog.text
    monkeypatch.setattr(standing, "BETWEEN_LOOKS_SECONDS", 0.0)
    assert measuring.look() is not None


def test_every_measure_of_the_watch_is_listed_with_its_labels_and_no_other():
    listed = {(metric.name.removesuffix("_total"), metric.kind) for metric in WATCH}
    looked_at = {("nightshift_disk_free_ratio", "gauge"), ("nightshift_reachable", "gauge")}  # when it is asked
    assert {(family.name, family.type) for family in Metrics().registry.collect()} | looked_at == listed
    gauges = {
        gauge._name: gauge._labelnames for gauge in Metrics().registry._collector_to_names if hasattr(gauge, "_name")
    }
    assert {name: labels for name, labels in gauges.items() if labels} == {
        metric.name: metric.labels
        for metric in WATCH
        if metric.kind == "gauge" and metric.labels and (metric.name, metric.kind) not in looked_at
    }
