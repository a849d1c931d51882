"""`nightshift promises report`, on what the watch keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from nightshift.cli import cli
from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.promise_outcomes import PromiseOutcome, PromiseOutcomes
from pipelines.engine.ledger.schema import incident_events, incidents

PROMISE = "flights_scoring/finish_by"
HOUR = 3600.0


@pytest.fixture
def database(sqlite_ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", sqlite_ledger_url)
    return Database(sqlite_ledger_url)


def report(*words: str) -> Result:
    return CliRunner().invoke(cli, ["promises", "report", *words])


def warn(database: Database, night: str, due_at: float, *, lead: float, probability: float) -> None:
    incident = {
        "id": night,
        "promise_id": PROMISE,
        "dag_id": "flights_scoring",
        "night": night,
        "owner": "us",
        "state": "resolved",
        "alert": "at_risk",
        "severity": "warning",
        "version": 2,
        "opened_at": due_at - lead,
        "changed_at": due_at,
        "due_at": due_at,
        "verdict": {},
    }
    event = {"incident_id": night, "event": "at_risk", "by": "nightshift", "detail": {"probability": probability}}

    def write(connection) -> None:
        connection.execute(insert(incidents).values(**incident))
        connection.execute(insert(incident_events).values(at=due_at - lead, **event))
        connection.execute(insert(incident_events).values(at=due_at - lead / 2, **event))

    database.do(write)


def test_report_says_how_early_warnings_came_and_what_nobody_foresaw(database: Database) -> None:
    now = database.now()
    kept = PromiseOutcomes(database.engine.url.render_as_string())
    ended = [("n1", "late", 14 * 60.0), ("n2", "on_time", -60.0), ("n3", "late", 60.0), ("n4", "on_time", -HOUR)]
    dues = {night: now - (number + 1) * 24 * HOUR for number, (night, _, _) in enumerate(ended)}
    kept.record(
        [
            PromiseOutcome(PROMISE, "flights_scoring", night, outcome, dues[night], dues[night] + late_by)  # type: ignore[arg-type]
            for night, outcome, late_by in ended
        ]
    )
    warn(database, "n1", dues["n1"], lead=80 * 60.0, probability=0.2)
    warn(database, "n2", dues["n2"], lead=20 * 60.0, probability=0.4)
    said = json.loads(report("--json").stdout)
    mine = said["promises"][PROMISE]
    assert {name: mine[name] for name in ("nights", "warned", "right", "false_alarms", "misses", "not_foreseen")} == {
        "nights": 4,
        "warned": 2,
        "right": 1,
        "false_alarms": 1,
        "misses": 2,
        "not_foreseen": 1,
    }
    assert (mine["precision"], mine["recall"], mine["lead_seconds"]) == (0.5, 0.5, 80 * 60.0)
    assert mine["brier"] == pytest.approx((0.2**2 + 0.6**2) / 2)
    shown = report().stdout
    assert "80 min" in shown
    assert "Not foreseen: flights_scoring/finish_by, night n3" in shown
    assert json.loads(report("--days", "1", "--json").stdout)["all"]["nights"] == 0


def test_report_without_nights_says_so(database: Database) -> None:
    assert "No promised night was due in the last 90 days" in report().stdout


def test_list_before_anything_was_read_says_what_to_do(database: Database) -> None:
    assert "nightshift promises sync" in CliRunner().invoke(cli, ["promises", "list"]).stdout
