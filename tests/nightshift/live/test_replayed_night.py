"""A replay as people begin it: a night is delivered, run, slow on purpose, and told to real receivers while its clock hurries on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nightshift.drill.servers.guarded import free_port
from nightshift.embedded.client import AirflowClient
from tests.nightshift.embedded.trees import eventually, processes_of
from tests.support.monitoring import Alertmanager, alertmanager_server
from tests.support.receivers import MailServer, Webhook, mail_server, webhook_server

pytestmark = pytest.mark.airflow

ROUTES = """
[[route]]
name = "mail"
url = "{mail}"

[[route]]
name = "hook"
url = "{hook}?:occasion={{occasion}}&:night={{night}}&:alert={{alert}}"

[[route]]
name = "alertmanager"
url = "{alertmanager}"
"""


@dataclass
class House:
    """A home in which a replay runs, and those who are told what happens in it."""

    home: Path
    routes: Path
    mail: MailServer
    hook: Webhook
    alertmanager: Alertmanager

    def nightshift(self, *words: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
        ours = {"NIGHTSHIFT_HOME": str(self.home), "NIGHTSHIFT_ROUTES": str(self.routes)}
        path = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, "-c", "from nightshift.cli import main; main()", *words]
        done = subprocess.run(
            command, env={**kept, **ours, "PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def asked(self, *words: str) -> Any:
        return json.loads(self.nightshift(*words, "--json"))

    def published(self) -> set[str]:
        return {night["night"] for night in self.asked("status", "flights") if night["published_at"]}

    def state(self) -> dict[str, Any]:
        return json.loads((self.home / "airflow" / "state.json").read_text())

    def incident(self, night: str) -> dict[str, Any] | None:
        found = [one for one in self.asked("incidents", "--all") if one["night"] == night]
        return next((one for one in found if one["promise_id"] == "flights_scoring/finish_by"), None)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    """Ten minutes before the rows of the next night come, after some nights that were as they should be."""
    folder = tmp_path_factory.mktemp("live")
    routes = folder / "routes.toml"
    (folder / "alertmanager").mkdir()
    with mail_server() as mail, webhook_server() as hook, alertmanager_server(folder / "alertmanager") as alertmanager:
        routes.write_text(ROUTES.format(mail=mail.url(), hook=hook.url(), alertmanager=alertmanager.url))
        house = House(folder / "home", routes, mail, hook, alertmanager)
        try:
            replay = ("--live", "--speed", "600", "--at", "17:50", "--history", "5")
            house.nightshift("up", *replay, "--port", str(free_port()))
            yield house
        finally:
            house.nightshift("down")
            assert processes_of(house.home) == []


@pytest.fixture(scope="module")
def night(house) -> str:
    """A night that was delivered in the replay, and whose scoring took too long."""
    begun, history = house.asked("live", "status"), house.published()
    assert len(history) == 5
    tonight = max(history)
    night = next(one for one in nights_after(tonight) if one not in history)
    house.nightshift("live", "slow", night, "--by", "4h30m")
    os.kill(house.state()["roles"]["replay"]["pid"], signal.SIGKILL)
    assert eventually(lambda: night in house.published(), 240)
    assert begun["first"] <= night <= begun["last"]
    assert eventually(lambda: (house.incident(night) or {}).get("state") == "resolved", 30)
    return night


def nights_after(night: str) -> list[str]:
    from datetime import date, timedelta

    return [str(date.fromisoformat(night) + timedelta(days=days)) for days in (1, 2)]


def test_a_night_is_started_once_though_the_driver_is_killed(house, night):
    replay = house.asked("live", "status")
    with AirflowClient(house.state()["url"]) as client:
        runs = [run.run_id for run in client.dag_runs("flights_scoring") if run.partition_key == night]
    assert runs == [f"live__{replay['name']}__{night}"]


def test_a_slow_night_is_told_before_it_is_late_when_it_is_and_when_it_is_over(house, night):
    incident = house.incident(night)
    assert incident["verdict"]["late_by"] > 0
    history = [event["event"] for event in house.asked("incidents", "show", incident["id"])["history"]]
    assert [event for event in history if event in ("at_risk", "late", "resolved")] == ["at_risk", "late", "resolved"]


def test_each_receiver_gets_each_message_once(house, night):
    def hooked() -> list[str]:
        mine = [body for body in house.hook.accepted if body["night"] == night]
        return [body["occasion"] for body in mine if body["alert"] in ("at_risk", "late")]

    assert eventually(lambda: "resolved" in hooked(), 30)
    assert hooked() == ["at_risk", "late", "resolved"]

    def mailed() -> list[str]:
        return [title for title in house.mail.titles() if f"night {night}" in title and "scores do not" not in title]

    assert eventually(lambda: len(mailed()) >= 3, 30)
    assert [any(word in title for word in words) for title, words in zip(mailed(), TITLES, strict=True)] == [True] * 3
    assert eventually(lambda: house.alertmanager.alerts(night=night) == [], 30)


TITLES = (("danger",), ("not finished by",), ("resolved",))
