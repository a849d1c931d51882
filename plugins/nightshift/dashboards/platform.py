"""Does what nights stand on work: Airflow, its queue, disks and services?"""

from nightshift.dashboards.values import (
    DAG,
    GREEN,
    ONE_IS_GOOD,
    ORANGE,
    RED,
    ZERO_IS_GOOD,
    Chart,
    Dashboard,
    Query,
    stat,
)

_MINE = 'dag_id=~"$dag"'

PLATFORM = Dashboard(
    uid="nightshift-platform",
    title="Platform",
    said="Does what nights stand on work: Airflow, its queue, disks and services?",
    variables=(DAG,),
    span="now-6h",
    charts=(
        stat(
            "Targets",
            "Whether Prometheus can read each of its targets: runbook target-down.",
            "min by (job) (up)",
            "always",
            legend="{{job}}",
            thresholds=ONE_IS_GOOD,
        ),
        stat(
            "Heartbeats in a minute",
            "Of the scheduler, the DAG processor and the triggerer, some twelve each. None: runbook airflow-silent.",
            "60 * sum(rate(airflow_scheduler_heartbeat[5m]))",
            "always",
            legend="scheduler",
            thresholds=((None, RED), (1.0, GREEN)),
        ),
        stat(
            "DAG files that cannot be imported",
            "`nightshift doctor` says which and why: runbook import-errors.",
            "max(airflow_dag_processing_import_errors)",
            "always",
            thresholds=ZERO_IS_GOOD,
        ),
        stat(
            "Services",
            "Whether the ledger's database and MLflow accept connections, as the watch sees it: runbook service-unreachable.",
            "min by (service) (nightshift_reachable)",
            "always",
            legend="{{service}}",
            thresholds=ONE_IS_GOOD,
        ),
        Chart(
            "Heartbeats",
            "In a minute, of each kind of process.",
            (
                Query("60 * sum(rate(airflow_scheduler_heartbeat[5m]))", "scheduler"),
                Query("60 * sum(rate(airflow_dag_processor_heartbeat[5m]))", "DAG processor"),
                Query("60 * sum(rate(airflow_triggerer_heartbeat[5m]))", "triggerer"),
            ),
            "always",
        ),
        Chart(
            "Tasks that wait, and that run",
            "Waiting is scheduled or queued. Some wait and none runs: runbook tasks-wait.",
            (
                Query("nightshift:tasks_waiting:sum", "waiting"),
                Query("nightshift:tasks_running:sum", "running"),
                Query("sum(airflow_pool_deferred_slots)", "deferred"),
            ),
            "always",
        ),
        Chart(
            "Slots of the executor",
            "Open ones, tasks that it holds, and tasks that it has not handed out yet.",
            (
                Query("sum(airflow_executor_open_slots)", "open"),
                Query("sum(airflow_executor_running_tasks)", "running"),
                Query("sum(airflow_executor_queued_tasks)", "queued"),
            ),
            "always",
        ),
        Chart(
            "Open slots of each pool",
            "A pool with none lets its tasks wait, whatever the workers have free.",
            (Query("min by (pool_name) (airflow_pool_open_slots)", "{{pool_name}}"),),
            "always",
        ),
        Chart(
            "Tasks that finished within an hour",
            "By state. `failed` is final; a task that will be tried again is `up_for_retry`.",
            (Query(f"sum by (state) (nightshift:tasks_finished:increase1h{{{_MINE}}})", "{{state}}"),),
            "after a night",
            shape="bars",
        ),
        Chart(
            "Mean time until a task is queued",
            "Milliseconds in the state `scheduled`, since the collector was started: the scheduler's part of a night.",
            (
                Query(
                    f"sum by (dag_id) (airflow_task_scheduled_duration_sum{{{_MINE}}})"
                    f" / sum by (dag_id) (airflow_task_scheduled_duration_count{{{_MINE}}})",
                    "{{dag_id}}",
                ),
            ),
            "after a night",
            unit="ms",
        ),
        Chart(
            "Mean time of a task",
            "Milliseconds, by task, since the collector was started. Its steps are on the dashboard Steps.",
            (
                Query(
                    f"sum by (dag_id, task_id) (airflow_task_duration_sum{{{_MINE}}})"
                    f" / sum by (dag_id, task_id) (airflow_task_duration_count{{{_MINE}}})",
                    "{{dag_id}} {{task_id}}",
                ),
            ),
            "after a night",
            shape="gauge",
            unit="ms",
        ),
        Chart(
            "Mean time of a run",
            "Milliseconds of runs that succeeded, since the collector was started.",
            (
                Query(
                    f"sum by (dag_id) (airflow_dagrun_duration_success_sum{{{_MINE}}})"
                    f" / sum by (dag_id) (airflow_dagrun_duration_success_count{{{_MINE}}})",
                    "{{dag_id}}",
                ),
            ),
            "after a night",
            shape="gauge",
            unit="ms",
        ),
        Chart(
            "Loop of the scheduler",
            "Mean milliseconds of a loop. Above a second it is short of CPU, or its database is slow.",
            (
                Query(
                    "sum(rate(airflow_scheduler_scheduler_loop_duration_sum[$__rate_interval]))"
                    " / sum(rate(airflow_scheduler_scheduler_loop_duration_count[$__rate_interval]))",
                    "loop",
                ),
            ),
            "always",
            unit="ms",
        ),
        Chart(
            "Tasks given up within an hour",
            "Because they were silent: runbook tasks-killed.",
            (Query("sum by (dag_id) (nightshift:tasks_killed:increase1h)", "{{dag_id}}"),),
            "in trouble",
            shape="bars",
        ),
        Chart(
            "Triggers",
            "That run, and how many more the triggerer would take.",
            (
                Query("sum(airflow_triggers_running)", "running"),
                Query("sum(airflow_triggerer_capacity_left)", "more"),
            ),
            "always",
        ),
        Chart(
            "Free on disks",
            "Share of the disk below each folder of the watch's machine: runbook disk-nearly-full.",
            (Query("min by (folder) (nightshift_disk_free_ratio)", "{{folder}}"),),
            "always",
            unit="percentunit",
            thresholds=((None, RED), (0.1, ORANGE), (0.2, GREEN)),
        ),
        Chart(
            "The watch's turns",
            "Seconds that a turn takes. The watch judges every five seconds; a slow ledger shows here first.",
            (Query("max(nightshift_watch_turn_seconds)", "turn"),),
            "always",
            unit="s",
        ),
        Chart(
            "What Prometheus stores",
            "Series in memory. What climbs without end is a label with too many values.",
            (Query('sum(prometheus_tsdb_head_series{job="prometheus"})', "series"),),
            "always",
        ),
    ),
)
