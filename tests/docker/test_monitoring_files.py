"""The files for Prometheus and Alertmanager, held against their own tools."""

from __future__ import annotations

import re
from typing import get_args

import pytest
import yaml

from nightshift.alerts.alertmanager import name_of
from nightshift.watch.metrics import Metrics
from pipelines.engine.promises.verdicts import AlertKind
from pipelines.engine.settings import REPOSITORY
from tests.nightshift.alerts.messages import LATE, other
from tests.support.monitoring import DOCKER, tool

RULES = sorted((DOCKER / "prometheus/rules").glob("*.yml"))
ALERTMANAGER = DOCKER / "alertmanager/alertmanager.yml"
HEADINGS = ["Meaning", "First look", "Mend", "How to tell users", "How to see that it is over"]
OURS = ("watch-down", "outbox-stuck", "error-budget")


def rules():
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def test_prometheus_accepts_its_configuration_and_rules() -> None:
    assert "2 rule files found" in tool("promtool", "check", "config", str(DOCKER / "prometheus/prometheus.yml"))


@pytest.mark.parametrize("name", ["nightshift", "error-budget"])
def test_rules_fire_when_they_should_and_only_then(name: str) -> None:
    assert "SUCCESS" in tool("promtool", "test", "rules", f"tests/{name}.yml", folder=DOCKER / "prometheus")


def test_every_alert_of_the_rules_has_a_test() -> None:
    tested = "".join(path.read_text() for path in (DOCKER / "prometheus/tests").glob("*.yml"))
    alerts = [rule["alert"] for rule in rules() if "alert" in rule]
    assert len(alerts) == len(set(alerts)) == 9
    assert [name for name in alerts if name not in tested] == []


def test_every_alert_of_the_rules_has_its_runbook() -> None:
    kinds = {f"docs/runbooks/{kind.replace('_', '-')}.md" for kind in get_args(AlertKind)}
    for rule in rules():
        if "alert" in rule:
            page = rule["annotations"]["runbook_url"]
            assert page in kinds or (REPOSITORY / page).exists(), rule["alert"]


@pytest.mark.parametrize("name", OURS)
def test_runbook_says_what_a_runbook_must(name: str) -> None:
    text = (REPOSITORY / f"docs/runbooks/{name}.md").read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS


def test_rules_use_measures_that_the_watch_exports() -> None:
    used = set(re.findall(r"\bnightshift_\w+", "".join(rule["expr"] for rule in rules())))
    exported = {family.name for family in Metrics().registry.collect()}
    assert {name.removesuffix("_total") for name in used} <= exported


def test_alertmanager_accepts_its_configuration() -> None:
    said = tool("amtool", "check-config", str(ALERTMANAGER))
    assert "SUCCESS" in said
    assert "4 inhibit rules" in said


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=NightshiftLate owner=flight-science severity=critical", "flight-science-pager"),
        ("alertname=NightshiftAtRisk owner=flight-science severity=warning", "flight-science"),
        ("alertname=NightshiftLate owner=parcel-science severity=critical", "pager"),
        ("alertname=NightshiftDrift owner=parcel-science severity=warning", "everybody"),
        ("alertname=NightshiftLate owner=flight-science severity=critical escalated=yes", "second-line"),
        ("alertname=NightshiftWatchDown severity=critical", "platform"),
        ("alertname=NightshiftOutboxStuck severity=critical", "platform"),
        ("alertname=NightshiftIncidentOpen dag_id=a severity=critical", "pager"),
        ("alertname=NightshiftPromiseEndangered dag_id=a severity=info", "nobody"),
        ("alertname=NightshiftErrorBudgetSpent dag_id=a severity=warning", "everybody"),
    ],
)
def test_alert_goes_to_whom_it_should(labels: str, receiver: str) -> None:
    file = f"--config.file={ALERTMANAGER}"
    tool("amtool", "config", "routes", "test", file, f"--verify.receivers={receiver}", *labels.split())


def test_inhibitions_name_alerts_that_there_are() -> None:
    known = {name_of(other(LATE, alert=kind)) for kind in get_args(AlertKind)}
    known |= {rule["alert"] for rule in rules() if "alert" in rule}
    for rule in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, pattern = re.fullmatch(r'(\w+)=~?"(.*)"', matcher).groups()
            if label == "alertname":
                parts = re.fullmatch(r"Nightshift\((.*)\)", pattern)
                names = [f"Nightshift{end}" for end in parts[1].split("|")] if parts else pattern.split("|")
                assert set(names) <= known
