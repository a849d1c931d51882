"""What the watch measures, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from nightshift.watch.house_metrics import HouseMetrics
from nightshift.watch.standing import Standing
from pipelines.engine.promises.facts import Facts
from pipelines.engine.promises.verdicts import Verdict


class Metrics:
    """The watch's measures, in a registry of their own.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        name, where = "nightshift_promise_margin_seconds", self.registry
        said = "Time between when a night is (or is foreseen to be) finished and when it is due; negative: too late."
        self._margin = Gauge(name, said, ("dag_id", "promise", "night"), registry=where)
        self._incidents = Gauge(
            "nightshift_incidents", "Open incidents.", ("dag_id", "owner", "state", "severity"), registry=where
        )
        said = "Time since the newest night of a published table was published."
        self._age = Gauge("nightshift_predictions_age_seconds", said, ("pipeline",), registry=where)
        self._pending = Gauge("nightshift_outbox_pending", "Messages that wait to be sent.", ("route",), registry=where)
        self._oldest = Gauge(
            "nightshift_outbox_oldest_seconds", "How long the oldest of them has waited.", registry=where
        )
        said = "When the watch last came around, in seconds since 1970."
        self._heartbeat = Gauge("nightshift_watch_heartbeat_timestamp_seconds", said, registry=where)
        self._turn = Gauge("nightshift_watch_turn_seconds", "How long the last turn took.", registry=where)
        self._errors = Counter("nightshift_watch_errors", "Turns in which something failed.", registry=where)
        self._nights = _Nights()
        where.register(self._nights)
        self._house = HouseMetrics(where)

    def show_verdicts(self, verdicts: Sequence[Verdict], now: float) -> None:
        """Show the margins of nights that are not over."""
        self._margin.clear()
        for verdict in verdicts:
            if verdict.due_at is not None and verdict.state not in ("done", "noticed"):
                foreseen = verdict.forecast.finish_p90 if verdict.forecast is not None else now
                margin = verdict.due_at - max(foreseen, now)
                self._margin.labels(verdict.dag_id, verdict.promise_id, verdict.night).set(margin)

    def show_incidents(self, counts: Mapping[tuple[str, str, str, str], int]) -> None:
        """Show how many incidents are open, by DAG, owner, state and severity."""
        self._incidents.clear()
        for labels, number in counts.items():
            self._incidents.labels(*labels).set(number)

    def show_ages(self, facts: Facts, now: float) -> None:
        """Show how old the published tables are."""
        self._age.clear()
        for pipeline, (_, published_at) in facts.newest.items():
            self._age.labels(pipeline).set(now - published_at)

    def show_outbox(self, pending: Mapping[str, int], oldest_seconds: float) -> None:
        """Show what waits to be sent, by route."""
        self._pending.clear()
        for route, messages in pending.items():
            self._pending.labels(route).set(messages)
        self._oldest.set(oldest_seconds)

    def show_standing(self, standing: Standing | None, now: float) -> None:
        """Show how the house stands; None leaves what is shown as it is."""
        self._house.show(standing, now)

    def show_nights(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Show how many nights ended how, by DAG and outcome; counted in the database, so that a restart loses none."""
        self._nights.counts = dict(counts)

    def came_around(self, at: float, seconds: float, *, failed: bool) -> None:
        """Say that a turn is over; `at` is 0 if it did not come to its end, and the heartbeat stays what it was."""
        if at:
            self._heartbeat.set(at)
        self._turn.set(seconds)
        if failed:
            self._errors.inc()


class _Nights(Collector):
    """A counter whose value is kept elsewhere."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Return the counter with its present values."""
        said = "Nights that were due, by how they ended."
        family = CounterMetricFamily("nightshift_nights", said, labels=("dag_id", "outcome"))
        for (dag_id, outcome), nights in sorted(self.counts.items()):
            family.add_metric((dag_id, outcome), nights)
        yield family
