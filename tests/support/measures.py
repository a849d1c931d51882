"""Every measure that rules and dashboards may ask for: ours with their labels, and Airflow's from its own registry."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

from pipelines.engine.telemetry.names import STEPS, WATCH, Metric


def _in_prometheus(metric: Metric) -> tuple[str, ...]:
    """Of a timing the collector makes a sum and a count."""
    name = metric.in_prometheus
    return (f"{name}_sum", f"{name}_count") if metric.kind == "timing" else (name,)


OURS: dict[str, tuple[str, ...]] = {
    name: metric.labels for metric in (*STEPS, *WATCH) for name in _in_prometheus(metric)
}
AIRFLOW: dict[str, tuple[str, ...]] = {
    # As they came from a real Airflow; of timers the collector makes a sum and a count.
    "airflow_dag_processing_import_errors": (),
    "airflow_dag_processor_heartbeat": (),
    "airflow_dagrun_duration_success_count": ("dag_id", "run_type"),
    "airflow_dagrun_duration_success_sum": ("dag_id", "run_type"),
    "airflow_executor_open_slots": ("executor_class_name", "status"),
    "airflow_executor_queued_tasks": ("executor_class_name", "status"),
    "airflow_executor_running_tasks": ("executor_class_name", "status"),
    "airflow_pool_deferred_slots": ("pool_name",),
    "airflow_pool_open_slots": ("pool_name",),
    "airflow_pool_queued_slots": ("pool_name",),
    "airflow_pool_running_slots": ("pool_name",),
    "airflow_pool_scheduled_slots": ("pool_name",),
    "airflow_scheduler_heartbeat": (),
    "airflow_scheduler_scheduler_loop_duration_count": (),
    "airflow_scheduler_scheduler_loop_duration_sum": (),
    "airflow_task_duration_count": ("dag_id", "task_id"),
    "airflow_task_duration_sum": ("dag_id", "task_id"),
    "airflow_task_instances_without_heartbeats_killed": ("dag_id", "task_id"),
    "airflow_task_scheduled_duration_count": ("dag_id", "task_id", "queue"),
    "airflow_task_scheduled_duration_sum": ("dag_id", "task_id", "queue"),
    "airflow_ti_finish": ("dag_id", "task_id", "state"),
    "airflow_triggerer_capacity_left": ("hostname",),
    "airflow_triggerer_heartbeat": (),
    "airflow_triggers_running": ("hostname",),
}
PROMETHEUS: dict[str, tuple[str, ...]] = {
    "up": ("job", "instance"),
    "ALERTS": ("alertname", "alertstate", "severity"),
    "prometheus_tsdb_head_series": ("job",),
}
KNOWN = OURS | AIRFLOW | PROMETHEUS


@cache
def registry() -> frozenset[str]:
    """The names of all of Airflow's measures, as Prometheus has them."""
    text = (files("airflow") / "_shared/observability/metrics/metrics_template.yaml").read_text()
    names: set[str] = set()
    for metric in yaml.safe_load(text)["metrics"]:
        name = "airflow_" + metric["name"].replace(".", "_").replace("-", "_")
        names |= {f"{name}_sum", f"{name}_count"} if metric["type"] == "timer" else {name}
    return frozenset(names)
