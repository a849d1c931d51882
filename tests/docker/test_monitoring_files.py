"""The files for Prometheus and Alertmanager, held against their own tools."""

from __future__ import annotations

import re
from typing import get_args

import pytest
import yaml

from nightshift.alerts.alertmanager import name_of
from pipelines.engine.promises.verdicts import AlertKind
from pipelines.engine.settings import REPOSITORY
from tests.nightshift.alerts.messages import LATE, other
from tests.support.command_line import check_command
from tests.support.documents import commands_in
from tests.support.monitoring import DOCKER, tool

RULES = sorted((DOCKER / "prometheus/rules").glob("*.yml"))
ALERTMANAGER = DOCKER / "alertmanager/alertmanager.yml"
TESTS = sorted((DOCKER / "prometheus/tests").glob("*.yml"))


def rules():
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


NAMES = [rule["alert"] for rule in rules() if "alert" in rule]


def test_prometheus_accepts_its_configuration_and_rules() -> None:
    assert f"{len(RULES)} rule files found" in tool(
        "promtool", "check", "config", str(DOCKER / "prometheus/prometheus.yml")
    )


@pytest.mark.parametrize("name", [path.name for path in TESTS])
def test_rules_fire_when_they_should_and_only_then(name: str) -> None:
    assert "SUCCESS" in tool("promtool", "test", "rules", f"tests/{name}", folder=DOCKER / "prometheus")


def alerts() -> list[dict]:
    return [rule for rule in rules() if "alert" in rule]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_of_the_rules_is_whole(rule: dict) -> None:
    assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
    assert rule.get("labels", {}).get("severity", "critical") in ("info", "warning", "critical")
    page = REPOSITORY / rule["annotations"]["runbook_url"]
    assert page.exists()
    kinds = {f"{kind.replace('_', '-')}.md" for kind in get_args(AlertKind)}
    assert page.name in kinds or f"`{rule['alert']}`" in page.read_text(), "its page names it"
    assert f"`{rule['alert']}`" in (REPOSITORY / "docs/alerts.md").read_text()
    for words in commands_in(re.sub(r"\{\{.*?\}\}", "flights", rule["annotations"]["description"])):
        check_command(words[1:], " ".join(words))


def test_every_alert_of_the_rules_is_tested_to_fire_and_not_to_fire() -> None:
    """Promtool says nothing of alerts that no test asks for. An empty list is one that must not fire."""
    fires, does_not = set(), set()
    for test in (test for path in TESTS for test in yaml.safe_load(path.read_text())["tests"]):
        for asked in test.get("alert_rule_test", ()):
            (fires if asked["exp_alerts"] else does_not).add(asked["alertname"])
        for asked in test.get("promql_expr_test", ()):
            if "ALERTS" in asked["expr"]:
                hit = {name for name in NAMES if any(name in str(sample) for sample in asked["exp_samples"])}
                pattern = re.search(r'alertname=~?"(.*?)"', asked["expr"])
                meant = {name for name in NAMES if pattern is None or re.fullmatch(pattern[1], name)}
                fires |= hit or (meant if asked["exp_samples"] else set())
                does_not |= meant - hit if hit or not asked["exp_samples"] else set()
    assert sorted(set(NAMES) - fires) == []
    assert sorted(set(NAMES) - does_not) == []


def test_alertmanager_accepts_its_configuration() -> None:
    said = tool("amtool", "check-config", str(ALERTMANAGER))
    assert "SUCCESS" in said
    assert "6 inhibit rules" in said


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
        ("alertname=NightshiftSchedulerSilent owner=platform severity=critical", "platform"),
        ("alertname=NightshiftStepsFail pipeline=a owner=platform severity=warning", "platform"),
        ("alertname=NightshiftQuarantineJump pipeline=a severity=warning", "everybody"),
        ("alertname=NightshiftCostJump pipeline=a severity=info", "nobody"),
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
