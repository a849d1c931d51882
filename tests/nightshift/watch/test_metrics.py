"""What Prometheus reads."""

from prometheus_client import generate_latest

from nightshift.watch.metrics import Metrics
from nightshift.watch.turn import Watch
from tests.pipelines.engine.promises.nights import DAG, NIGHT


def measured(desk, metrics=None):
    metrics = metrics or Metrics()
    Watch(desk.settings, metrics=metrics).turn()
    lines = generate_latest(metrics.registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_night_that_is_an_hour_from_its_due_time_has_that_margin(desk):
    desk.declare()
    desk.time_is("02:00")
    desk.run_is("running")
    desk.time_is("05:00")
    margin = measured(desk)[
        f'nightshift_promise_margin_seconds{{dag_id="{DAG}",night="{NIGHT}",promise="{DAG}/finish_by"}}'
    ]
    assert 3590 < margin <= 3600


def test_late_night_has_a_negative_margin_an_open_incident_and_is_counted(desk):
    desk.declare()
    desk.time_is("06:10")
    desk.run_is("running")
    found = measured(desk)
    assert (
        found[f'nightshift_promise_margin_seconds{{dag_id="{DAG}",night="{NIGHT}",promise="{DAG}/finish_by"}}'] <= -600
    )
    assert found[f'nightshift_incidents{{dag_id="{DAG}",owner="tide-science",severity="critical",state="late"}}'] == 1
    assert found[f'nightshift_nights_total{{dag_id="{DAG}",outcome="late"}}'] == 1
    assert found['nightshift_outbox_pending{route="paper"}'] == 1


def test_nights_are_counted_once_whatever_restarts(desk):
    desk.declare()
    desk.time_is("05:00")
    desk.run_is("success")
    for _ in range(2):
        found = measured(desk)
    assert found[f'nightshift_nights_total{{dag_id="{DAG}",outcome="on_time"}}'] == 1


def test_margin_of_a_night_that_is_over_is_gone(desk):
    desk.declare()
    metrics = Metrics()
    desk.time_is("03:00")
    desk.run_is("running")
    measured(desk, metrics)
    desk.run_is("success")
    assert not [name for name in measured(desk, metrics) if "margin" in name]


def test_turn_that_failed_leaves_the_heartbeat_as_it_was():
    metrics = Metrics()
    metrics.came_around(1795100000.0, 0.1, failed=False)
    metrics.came_around(0.0, 0.1, failed=True)
    assert metrics.registry.get_sample_value("nightshift_watch_heartbeat_timestamp_seconds") == 1795100000.0
    assert metrics.registry.get_sample_value("nightshift_watch_errors_total") == 1
