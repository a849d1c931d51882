"""How the house stands, as gauges: keys, newest nights, champions, checks and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge

from pipelines.engine.telemetry.names import WATCH

if TYPE_CHECKING:
    from nightshift.watch.standing import Champion, Standing


class HouseMetrics:
    """Gauges that are all set anew with each look: what is gone is no longer shown.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        known = {metric.name: metric for metric in WATCH}

        def gauge(name: str) -> Gauge:
            return Gauge(name, f"{known[name].said}.", known[name].labels, registry=registry)

        self._keys = gauge("nightshift_keys")
        self._rows = gauge("nightshift_night_rows")
        self._version = gauge("nightshift_champion_version")
        self._age = gauge("nightshift_champion_age_seconds")
        self._metric = gauge("nightshift_champion_metric")
        self._failed = gauge("nightshift_checks_failed")
        self._drift = gauge("nightshift_drift")
        self._cpu = gauge("nightshift_night_cpu_seconds")
        self._bytes = gauge("nightshift_night_bytes")
        self._since: dict[str, float] = {}

    def show(self, standing: Standing | None, now: float) -> None:
        """Show how the house stands.

        Args:
            standing: None leaves all but ages as it is.
            now: By the database's clock, in seconds since 1970.
        """
        if standing is not None:
            self._show_keys(standing)
            self._show_nights(standing)
            self._show_champions(standing)
        for pipeline, since in self._since.items():
            self._age.labels(pipeline).set(max(0.0, now - since))

    def _show_keys(self, standing: Standing) -> None:
        self._keys.clear()
        for labels, number in standing.keys.items():
            self._keys.labels(*labels).set(number)

    def _show_nights(self, standing: Standing) -> None:
        for gauge in (self._rows, self._failed, self._drift, self._cpu, self._bytes):
            gauge.clear()
        for pipeline, published in standing.published.items():
            counts = {
                "in": published.rows_in,
                "scored": published.rows_scored,
                "quarantined": published.rows_quarantined,
            }
            for kind, number in counts.items():
                self._rows.labels(pipeline, kind).set(number)
        for pipeline, checked in standing.checked.items():
            self._failed.labels(pipeline, checked.suite).set(checked.failed)
            if checked.drift is not None:
                self._drift.labels(pipeline).set(checked.drift)
        for pipeline, spent in standing.spent.items():
            if spent.keys:
                self._cpu.labels(pipeline).set(spent.cpu_seconds)
            for direction, size in (("read", spent.bytes_read), ("written", spent.bytes_written)):
                if size is not None:
                    self._bytes.labels(pipeline, direction).set(size)

    def _show_champions(self, standing: Standing) -> None:
        for gauge in (self._version, self._age, self._metric):
            gauge.clear()
        self._since = {name: one.since for name, one in standing.champions.items() if one.since is not None}
        for pipeline, champion in standing.champions.items():
            self._show_champion(pipeline, champion)

    def _show_champion(self, pipeline: str, champion: Champion) -> None:
        self._version.labels(pipeline).set(champion.version)
        if champion.metric is not None and champion.value is not None:
            self._metric.labels(pipeline, champion.metric).set(champion.value)
