"""Both real programs: a late night reaches Alertmanager through Prometheus, and a dead watch does, too."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from nightshift.alerts.routes import Route
from nightshift.alerts.sinks import open_sink
from nightshift.drill.servers.guarded import Guarded, start_on_free_port
from pipelines.engine.settings import read_settings
from tests.nightshift.alerts.messages import AT_RISK, LATE, RESOLVED
from tests.pipelines.engine.processes import PATH
from tests.support.monitoring import DOCKER, LOOPBACK, alertmanager_server, prometheus_server
from tests.support.receivers import Webhook

PATIENCE = 60.0
EXPORTER = Path(__file__).with_name("exporter.py")
QUICK = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"after {PATIENCE:.0f} s still not: {what}"
        time.sleep(0.1)


@contextmanager
def exporter(folder: Path) -> Iterator[tuple[Guarded, int]]:
    """A process that exports what a watch would."""

    def start(port: int) -> Guarded:
        process = Guarded(
            "exporter",
            [sys.executable, str(EXPORTER), str(port)],
            log=folder / "exporter.log",
            environment={**os.environ, "PYTHONPATH": PATH},
        )

        def answers() -> bool:
            try:
                return httpx.get(f"http://{LOOPBACK}:{port}", trust_env=False).is_success
            except httpx.HTTPError:
                return False

        process.wait_until(answers)
        return process

    process, port = start_on_free_port(start)
    try:
        yield process, port
    finally:
        if not process.ended:
            process.stop()


def quick_alertmanager(webhook: Webhook) -> dict:
    """The shipped configuration without its patience, and with one address for all receivers."""
    config = yaml.safe_load((DOCKER / "alertmanager/alertmanager.yml").read_text())
    config["route"] |= {"group_wait": "100ms", "group_interval": "500ms"}
    for receiver in config["receivers"]:
        url = f"http://{webhook.address}/{receiver['name']}"
        receiver["webhook_configs"] = [{"url": url, "send_resolved": True}]
    return config


def quick_prometheus(folder: Path, target: int, alertmanager: str) -> dict:
    """The shipped configuration without its patience, for other ports; of its targets and rules those of the watch."""
    config = yaml.safe_load((DOCKER / "prometheus/prometheus.yml").read_text())
    config["global"] = QUICK
    (folder / "rules").mkdir()
    for file in (DOCKER / "prometheus/rules" / name for name in ("nightshift.yml", "error-budget.yml")):
        rules = yaml.safe_load(file.read_text())
        for group in rules["groups"]:
            group["interval"] = "500ms"
            for rule in group["rules"]:
                if "for" in rule:
                    rule["for"] = "1s"
        (folder / "rules" / file.name).write_text(yaml.safe_dump(rules))
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] == "nightshift-watch"]
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"{LOOPBACK}:{target}"]
    return config


def told(webhook: Webhook, receiver: str) -> list[str]:
    """The names of the alerts that a receiver was told of, with their states, in order."""
    bodies = [request.body for request in webhook.requests if request.path == f"/{receiver}"]
    return [f"{alert['labels']['alertname']} {alert['status']}" for body in bodies for alert in body["alerts"]]


def test_late_night_goes_from_the_metrics_to_alertmanager_and_a_dead_watch_is_told(tmp_path, webhook) -> None:
    with (
        exporter(tmp_path) as (watch, port),
        alertmanager_server(tmp_path, quick_alertmanager(webhook)) as manager,
        prometheus_server(tmp_path, quick_prometheus(tmp_path, port, manager.address)),
    ):
        eventually(lambda: "NightshiftIncidentOpen" in manager.names(), "the late night is in Alertmanager")
        [alert] = [each for each in manager.alerts() if each["labels"]["alertname"] == "NightshiftIncidentOpen"]
        assert alert["labels"]["dag_id"] == "flights_scoring"
        assert alert["annotations"]["summary"] == "flights_scoring: 1 critical incidents are open"
        eventually(lambda: told(webhook, "flight-science-pager") != [], "its owner was told")
        assert told(webhook, "platform") == []

        # The watch's own alert, which says more, keeps the one of the rules back.
        direct = open_sink(Route("am", manager.url), read_settings())
        direct.send(LATE)

        def kept_back() -> bool:
            [open_one] = [each for each in manager.alerts() if each["labels"]["alertname"] == "NightshiftIncidentOpen"]
            return bool(open_one["status"]["inhibitedBy"])

        eventually(kept_back, "the watch's own alert keeps the second way back")

        watch.stop()
        eventually(lambda: "NightshiftWatchDown" in manager.names(), "the dead watch is in Alertmanager")
        eventually(lambda: told(webhook, "platform") != [], "the platform was told")
        assert told(webhook, "platform") == ["NightshiftWatchDown firing"]


def test_incident_is_told_and_ended_through_a_real_alertmanager(tmp_path, webhook) -> None:
    with alertmanager_server(tmp_path, quick_alertmanager(webhook)) as manager:
        sink = open_sink(Route("am", manager.url), read_settings())
        sink.send(AT_RISK)
        eventually(lambda: told(webhook, "flight-science") != [], "at risk was told")
        sink.send(LATE)
        eventually(lambda: "NightshiftLate firing" in told(webhook, "flight-science-pager"), "late was told")
        sink.send(RESOLVED)
        eventually(lambda: "NightshiftLate resolved" in told(webhook, "flight-science-pager"), "the end was told")
        assert told(webhook, "flight-science").count("NightshiftAtRisk firing") == 1
        assert told(webhook, "flight-science-pager").count("NightshiftLate firing") == 1
        assert manager.names() == []
