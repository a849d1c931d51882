"""Incidents in a real Alertmanager: one alert at a time for each, and none when it is over."""

from __future__ import annotations

import time

import pytest
from click.testing import CliRunner

from nightshift.alerts.alertmanager import AlertmanagerSink, alerts_for, name_of
from nightshift.alerts.routes import ALERTS
from nightshift.cli import cli
from pipelines.engine.incidents.sinks import SinkError
from tests.nightshift.alerts.messages import AT_RISK, ESCALATED, LATE, RESOLVED, other
from tests.support.monitoring import Alertmanager, alertmanager_server
from tests.support.receivers import LOOPBACK, closed_port, silent_server, webhook_server


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory):
    """One Alertmanager for all: each test has incidents of its own."""
    with alertmanager_server(tmp_path_factory.mktemp("alertmanager")) as server:
        yield server


@pytest.fixture
def incident(request: pytest.FixtureRequest) -> str:
    return f"incident-of-{request.node.name}"


def send(manager: Alertmanager, incident: str, *messages) -> None:
    for message in messages:
        AlertmanagerSink("am", manager.url).send(other(message, incident_id=incident))


def names(manager: Alertmanager, incident: str) -> list[str]:
    return manager.names(incident=incident)


def test_alert_carries_what_routing_and_people_need(manager: Alertmanager, incident: str) -> None:
    send(manager, incident, LATE)
    [alert] = manager.alerts(incident=incident)
    assert alert["labels"] == {
        "alertname": "NightshiftLate",
        "dag_id": "flights_scoring",
        "night": "2026-11-19",
        "owner": "flight-science",
        "severity": "critical",
        "incident": incident,
        "promise": "flights_scoring/finish_by",
    }
    assert alert["annotations"]["summary"] == LATE.title
    assert alert["annotations"]["description"] == LATE.text
    assert alert["annotations"]["runbook_url"] == LATE.runbook
    assert alert["generatorURL"] == alert["annotations"]["run_url"] == LATE.links["run"]


def test_late_takes_the_place_of_at_risk_and_a_resolution_leaves_nothing(manager: Alertmanager, incident: str) -> None:
    send(manager, incident, AT_RISK)
    assert names(manager, incident) == ["NightshiftAtRisk"]
    send(manager, incident, LATE)
    assert names(manager, incident) == ["NightshiftLate"]
    send(manager, incident, RESOLVED)
    assert names(manager, incident) == []


def test_escalation_is_an_alert_of_its_own_and_ends_with_the_incident(manager: Alertmanager, incident: str) -> None:
    send(manager, incident, LATE, ESCALATED)
    assert names(manager, incident) == ["NightshiftLate", "NightshiftLate"]
    assert [alert["labels"].get("escalated") for alert in manager.alerts(incident=incident)].count("yes") == 1
    send(manager, incident, RESOLVED)
    assert names(manager, incident) == []


def test_same_message_twice_is_one_alert_and_a_second_resolution_is_nothing(
    manager: Alertmanager, incident: str
) -> None:
    send(manager, incident, LATE, LATE)
    assert names(manager, incident) == ["NightshiftLate"]
    send(manager, incident, RESOLVED, RESOLVED)
    assert names(manager, incident) == []


def test_reopened_incident_is_on_again(manager: Alertmanager, incident: str) -> None:
    send(manager, incident, LATE, RESOLVED, other(LATE, occasion="late-2"))
    assert names(manager, incident) == ["NightshiftLate"]


def test_incident_of_another_owner_is_ended_all_the_same(manager: Alertmanager, incident: str) -> None:
    send(manager, incident, LATE, other(RESOLVED, owner="somebody-else"))
    assert names(manager, incident) == []


def test_other_incidents_stay(manager: Alertmanager, incident: str) -> None:
    send(manager, incident, LATE)
    send(manager, f"{incident}-2", LATE, RESOLVED)
    assert names(manager, incident) == ["NightshiftLate"]


def test_alert_holds_longer_than_alertmanager_waits_for_repeats(manager: Alertmanager, incident: str) -> None:
    send(manager, incident, LATE)
    [alert] = manager.alerts(incident=incident)
    assert alert["endsAt"] > time.strftime("%Y-%m-%d", time.gmtime(time.time() + 20 * 86400))


def test_replayed_night_of_next_week_is_on_now(manager: Alertmanager, incident: str) -> None:
    ahead = time.time() + 7 * 86400
    send(manager, incident, other(LATE, at=ahead, opened_at=ahead))
    assert names(manager, incident) == ["NightshiftLate"]
    send(manager, incident, other(RESOLVED, at=ahead, opened_at=ahead))
    assert names(manager, incident) == []


def test_every_alert_has_a_name_of_its_own() -> None:
    found = [name_of(other(LATE, alert=alert)) for alert in ALERTS]
    assert len(set(found)) == len(ALERTS)
    assert {"NightshiftAtRisk", "NightshiftLate", "NightshiftChecksFailed"} <= set(found)


def test_resolution_of_what_alertmanager_has_forgotten_posts_nothing() -> None:
    assert alerts_for(RESOLVED, [], now=1.0) == []


def failure(url: str) -> SinkError:
    with pytest.raises(SinkError) as error:
        AlertmanagerSink("am", url).send(LATE)
    return error.value


def test_alertmanager_that_is_not_there_is_said() -> None:
    error = failure(f"alertmanager://{LOOPBACK}:{closed_port()}")
    assert error.retryable
    assert "Connection refused" in str(error)


def test_alertmanager_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from nightshift.alerts import alertmanager

    monkeypatch.setattr(alertmanager, "SECONDS_TO_ANSWER", 0.3)
    with silent_server() as port:
        assert "timed out" in str(failure(f"alertmanager://{LOOPBACK}:{port}"))


def test_something_else_at_the_address_is_said() -> None:
    with webhook_server() as hook:  # it knows no GET
        error = failure(f"alertmanager://{hook.address}/prefix")
    assert error.retryable
    assert "501" in str(error)


@pytest.mark.parametrize("url", ["alertmanager://", "alertmanager://host:nine"])
def test_url_without_a_host_or_with_a_wrong_port_gets_a_sentence(url: str) -> None:
    assert "route 'am'" in str(failure(url))


def test_check_asks_whether_it_is_there(manager: Alertmanager, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = tmp_path / "routes.toml"
    routes.write_text(f'[[route]]\nname = "am"\nurl = "{manager.url}"\n')
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NIGHTSHIFT_ROUTES", str(routes))
    assert CliRunner().invoke(cli, ["alerts", "check"]).exit_code == 0
    assert CliRunner().invoke(cli, ["alerts", "test", "--route", "am"]).exit_code == 0
    assert manager.names(dag_id="a_test_of_alerts") == []
