"""Every measure that rules and dashboards may ask for: ours with their labels, and Airflow's from its own registry."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

STEP = ("pipeline", "step")
OURS: dict[str, tuple[str, ...]] = {
    # Steps tell these, through Airflow and the collector.
    "airflow_nightshift_step_finished": (*STEP, "outcome"),
    "airflow_nightshift_step_seconds_sum": STEP,
    "airflow_nightshift_step_seconds_count": STEP,
    "airflow_nightshift_step_cpu_seconds": STEP,
    "airflow_nightshift_rows": (*STEP, "kind"),
    "airflow_nightshift_bytes": (*STEP, "direction"),
    "airflow_nightshift_cache": ("pipeline", "cache", "result"),
    # The watch tells these.
    "nightshift_watch_heartbeat_timestamp_seconds": (),
    "nightshift_watch_turn_seconds": (),
    "nightshift_watch_errors_total": (),
    "nightshift_promise_margin_seconds": ("dag_id", "promise", "night"),
    "nightshift_incidents": ("dag_id", "owner", "state", "severity"),
    "nightshift_predictions_age_seconds": ("pipeline",),
    "nightshift_outbox_pending": ("route",),
    "nightshift_outbox_oldest_seconds": (),
    "nightshift_nights_total": ("dag_id", "outcome"),
    "nightshift_keys": (*STEP, "state"),
    "nightshift_night_rows": ("pipeline", "kind"),
    "nightshift_champion_version": ("pipeline",),
    "nightshift_champion_age_seconds": ("pipeline",),
    "nightshift_champion_metric": ("pipeline", "metric"),
    "nightshift_checks_failed": ("pipeline", "suite"),
    "nightshift_drift": ("pipeline",),
    "nightshift_night_cpu_seconds": ("pipeline",),
    "nightshift_night_bytes": ("pipeline", "direction"),
    "nightshift_disk_free_ratio": ("folder",),
    "nightshift_reachable": ("service",),
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
