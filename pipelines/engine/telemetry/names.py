"""Every metric, span attribute and log field by name. What is not listed here is not told; docs/observability.md shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "timing", "gauge"]


@dataclass(frozen=True)
class Metric:
    """One thing that is measured.

    Attributes:
        name: As it is told: with dots where a step tells it, and as Prometheus has it where the watch does.
        kind: `counter` adds up, `timing` is a histogram, `gauge` is how it stands now.
        labels: By what it is told apart. Never a night, a key or a version: each would be a series of its own.
        said: What it means, with its unit.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    said: str

    @property
    def in_prometheus(self) -> str:
        """The name in Prometheus; Airflow puts its own name before what a step tells."""
        return f"airflow_{self.name.replace('.', '_')}" if "." in self.name else self.name


STEP = ("pipeline", "step")

FINISHED = Metric(
    "nightshift.step.finished",
    "counter",
    (*STEP, "outcome"),
    "Runs of a step that came to an end: `done`, `replayed` (it had been done before), `refused` (the rows or labels are "
    "wrong), `fence_lost` (somebody else took over), `failed` (anything else)",
)
SECONDS = Metric("nightshift.step.seconds", "timing", STEP, "Seconds that a step took, where it did its work")
CPU_SECONDS = Metric(
    "nightshift.step.cpu_seconds",
    "counter",
    STEP,
    "CPU seconds of a step's process and of the children that it waited for",
)
ROWS = Metric(
    "nightshift.rows",
    "counter",
    (*STEP, "kind"),
    "Rows: `in`, `scored`, `quarantined` or `published`, of steps that are done",
)
BYTES = Metric(
    "nightshift.bytes",
    "counter",
    (*STEP, "direction"),
    "Bytes of files that a step `read` or has `written` on its machine",
)
CACHE = Metric(
    "nightshift.cache",
    "counter",
    ("pipeline", "cache", "result"),
    "Whether `models` (packages), `copies` (of remote files) and `compiled` (machine code) were there: `hit` or `miss`",
)

STEPS = (FINISHED, SECONDS, CPU_SECONDS, ROWS, BYTES, CACHE)
"""What steps tell, through Airflow."""

WATCH = (
    Metric(
        "nightshift_watch_heartbeat_timestamp_seconds",
        "gauge",
        (),
        "When the watch last came around, seconds since 1970",
    ),
    Metric("nightshift_watch_turn_seconds", "gauge", (), "How long its last turn took"),
    Metric("nightshift_watch_errors_total", "counter", (), "Turns in which something failed"),
    Metric(
        "nightshift_promise_margin_seconds",
        "gauge",
        ("dag_id", "promise", "night"),
        "Seconds between when a night that is not over is foreseen to be finished and when it is due; below zero: too late",
    ),
    Metric("nightshift_incidents", "gauge", ("dag_id", "owner", "state", "severity"), "Open incidents"),
    Metric(
        "nightshift_predictions_age_seconds", "gauge", ("pipeline",), "Seconds since the newest night was published"
    ),
    Metric("nightshift_outbox_pending", "gauge", ("route",), "Messages that wait to be sent"),
    Metric("nightshift_outbox_oldest_seconds", "gauge", (), "How long the oldest of them has waited"),
    Metric("nightshift_nights_total", "counter", ("dag_id", "outcome"), "Nights that were due: `on_time` or `late`"),
    Metric("nightshift_keys", "gauge", (*STEP, "state"), "Keys of the ledger: `claimed`, `done`, `failed` or `open`"),
    Metric(
        "nightshift_night_rows",
        "gauge",
        ("pipeline", "kind"),
        "Rows of the newest published night: `in`, `scored` or `quarantined`",
    ),
    Metric(
        "nightshift_champion_version", "gauge", ("pipeline",), "Version that scores; none before the first champion"
    ),
    Metric("nightshift_champion_age_seconds", "gauge", ("pipeline",), "Seconds since it became the champion"),
    Metric(
        "nightshift_champion_metric",
        "gauge",
        ("pipeline", "metric"),
        "What the champion reached on its holdout, by metric",
    ),
    Metric(
        "nightshift_checks_failed",
        "gauge",
        ("pipeline", "suite"),
        "Expectations that the newest checked night did not meet",
    ),
    Metric(
        "nightshift_drift",
        "gauge",
        ("pipeline",),
        "Population stability index of the feature that lies furthest from training, on the newest checked night",
    ),
    Metric(
        "nightshift_night_cpu_seconds",
        "gauge",
        ("pipeline",),
        "CPU seconds of the newest published night, all its keys",
    ),
    Metric("nightshift_night_bytes", "gauge", ("pipeline", "direction"), "Bytes `read` and `written` for that night"),
    Metric("nightshift_disk_free_ratio", "gauge", ("folder",), "Share of the disk below a folder that is free"),
    Metric("nightshift_reachable", "gauge", ("service",), "Whether `ledger` and `mlflow` accept connections: 1, or 0"),
)
"""What `nightshift watch` tells Prometheus: read from the ledger, but for disks and services, which it looks at itself."""

SPAN = "nightshift."
"""Begins the name of a step's span: `nightshift.score`."""

SPAN_ATTRIBUTES = {
    "nightshift.pipeline": "Whose",
    "nightshift.step": "What is done",
    "nightshift.night": "The night, or the night as of which is trained",
    "nightshift.shard": "Number of the shard, or of the trial",
    "nightshift.key": "Digest of the task key",
    "nightshift.fence": "Under which it was worked on",
    "nightshift.outcome": "As in `nightshift.step.finished`",
    "nightshift.rows_in": "Rows that came in",
    "nightshift.rows_scored": "Rows that were scored",
    "nightshift.rows_quarantined": "Rows that were refused",
    "nightshift.rows_published": "Rows that readers see",
    "nightshift.model_version": "Which model",
    "nightshift.engine": "Where shards were scored: `local`, `spark` or `job`",
    "nightshift.cache_hits": "What was there already: packages, copies, machine code",
    "nightshift.cache_misses": "What was not",
    "nightshift.cpu_seconds": "CPU seconds of the process and its children",
    "nightshift.bytes_read": "Bytes of files read",
    "nightshift.bytes_written": "Bytes of files written",
}
"""What a step's span carries, where it is known."""

LOG_FIELDS = {
    "pipeline": "Whose night or training",
    "step": "What is done",
    "night": "The night, or the night as of which is trained",
    "key": "Digest of the task key",
    "fence": "Under which it is worked on, from the claim on",
    "trace_id": "The trace, where traces are on",
    "span_id": "The step's span",
}
"""What each log line carries that is written while a step runs."""
