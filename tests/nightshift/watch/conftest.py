"""A watch over the nights of a small DAG, with a clock that tests set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nightshift.watch import turn as turning
from nightshift.watch.turn import Turn, Watch, open_sender
from pipelines.engine.clock import Clock
from pipelines.engine.incidents.store import Incidents
from pipelines.engine.incidents.values import Incident
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.promises.values import Declaration, Promise
from pipelines.engine.replay import Replay
from pipelines.engine.settings import Settings, read_settings
from tests.pipelines.engine.promises.nights import DAG, NIGHT, at, declared

ROUTES = """
[[route]]
name = "paper"
at_least = "info"
url = "log://"
"""


@dataclass
class Desk:
    """Everything that a test of the watch has at hand."""

    settings: Settings
    observations: Observations
    clock: list[Clock]

    def time_is(self, text: str) -> None:
        """Let the clock that the nights are in go on from then; what happened before stays when it was."""
        self.clock[0] = self.clock[0].going_on(self.observations.now(), at(text), 1.0)

    def declare(self, *promises: Promise, **changes: Any) -> Declaration:
        declaration = declared(*promises, **changes)
        self.observations.declare([declaration.to_json()])
        return declaration

    def run_is(self, state: str, *, night: str = NIGHT, kind: str = "scheduled") -> None:
        run_id = f"{kind}__{night}"
        self.observations.tell_run(
            DAG, run_id, state=state, kind=kind, partition_key=night, run_after=at("02:00", night)
        )

    def task_is(self, state: str, task: str = "score", number: int = -1) -> None:
        self.observations.tell_task(DAG, f"scheduled__{NIGHT}", task, number, state=state, try_number=1)

    def look(self) -> Turn:
        """Look once, as a watch that has just been started does."""
        return Watch(self.settings).turn()

    def send(self) -> None:
        sender = open_sender(self.settings, Watch(self.settings).outbox)
        sender.send_due(wait_seconds=10.0)
        sender.close()

    def incidents(self, *, resolved: bool = True) -> list[Incident]:
        return Incidents(self.settings.ledger_url).find(resolved=resolved)

    def states(self) -> list[str]:
        return [incident.state for incident in self.incidents()]

    def told(self) -> list[str]:
        """The occasions of all messages that were sent so far."""
        self.send()
        file = self.settings.home / "alerts" / "sent.jsonl"
        return [json.loads(line)["occasion"] for line in file.read_text().splitlines()] if file.exists() else []


def replay_of(clock: Clock) -> Replay:
    """A replay in real time: of it only the clock counts here."""
    return Replay("tides", "a test", 0, clock.speed, clock, 0.0, NIGHT, NIGHT, "UTC", running=True)


@pytest.fixture
def desk(tmp_path: Path, sqlite_ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    routes = tmp_path / "routes.toml"
    routes.write_text(ROUTES)
    settings = read_settings(
        {
            "NIGHTSHIFT_HOME": str(tmp_path / "home"),
            "NIGHTSHIFT_LEDGER_URL": sqlite_ledger_url,
            "NIGHTSHIFT_ROUTES": str(routes),
        }
    )
    observations = Observations(sqlite_ledger_url)
    clock = [Clock(observations.now(), at("01:00"), 1.0)]
    monkeypatch.setattr(turning, "read_replay", lambda _: replay_of(clock[0]))
    return Desk(settings, observations, clock)
