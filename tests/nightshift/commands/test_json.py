"""What programs read: each command's answer is as its schema says, and the schemas are those of the code."""

from __future__ import annotations

import importlib.util
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from nightshift.commands import COMMANDS
from nightshift.commands.answers import ANSWERS
from pipelines.engine.catalog import load_pipeline, pipeline_names
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.replay import begin, keep, run
from pipelines.engine.settings import read_settings
from pipelines.flights.live import recording
from tests.nightshift.commands.houses import FAILED, GOOD, TWICE, enter
from tests.nightshift.commands.test_incidents import DECLARED
from tests.pipelines.engine.incidents.nights import DUE, FORECAST, ID, verdict
from tests.pipelines.engine.incidents.shop import Shop
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import _suites
from tests.support.mlflow_logins import write_config, write_credentials
from tests.support.schemas import SCHEMAS, answer_of

__all__ = ["_suites"]

ROOT = Path(__file__).resolve().parents[3]
WORDS = {
    "error": "status tydes",
    "status": "status",
    "status PIPELINE": "status tides",
    "night": f"night {TWICE}",
    "quarantine": f"quarantine tides {FAILED}",
    "models": "models",
    "models PIPELINE": "models tides",
    "rollback": "rollback tides --reason test --yes",
    "promote": "promote tides 1 --reason test --yes",
    "explain": f"explain tides {TWICE} publish",
    "cost": "cost",
    "open": f"open night tides {GOOD}",
    "incidents": "incidents",
    "incidents show": f"incidents show {ID[:8]}",
    "keys list": "keys list tides",
    "keys show": "keys show KEY",
    "promises list": "promises list",
    "promises sync": "promises sync --dags DAGS",
    "promises report": "promises report",
    "pipelines": "pipelines",
    "data": "data tides",
    "check": f"check tides {TWICE}",
    "search": f"search tides --as-of {tides.AS_OF}",
    "train": f"train tides --as-of {tides.AS_OF}",
    "score": f"score tides {TWICE}",
    "alerts check": "alerts check",
    "watch --once": "watch --once",
    "live status": "live status",
    "doctor": "doctor --dags DAGS",
    "doctor --production": "doctor --production --only telemetry",
    "new": "new parcels --data FILE --id parcel --partition day --label late --dry-run",
    "check-pipeline": "check-pipeline flights",
    "secrets check": "secrets check --folder EMPTY",
    "tidy": "tidy tides",
    "migrate": "migrate --check",
    "backup create": "backup create VAULT",
    "backup list": "backup list KEPT",
    "backup verify": "backup verify KEPT",
    "backup restore": "backup restore KEPT --replace",
    "backup prune": "backup prune KEPT --keep 1",
    "roles mlflow": "roles mlflow --auth-config AUTH --credentials LOGIN",
}
DECLARED_HERE = [load_pipeline(name) for name in pipeline_names()]
CODES = {"error": 2, "check-pipeline": 1, "promises sync": 1, "doctor": 1, "secrets check": 1}
EMPTY = {"watch --once"}
"""Nothing is due here; what it prints where something is has a test of its own."""


def script():
    """Return the program that writes the schemas."""
    spec = importlib.util.spec_from_file_location("json_schemas", ROOT / "docs" / "json_schemas.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def busy(home, tmp_path, monkeypatch):
    """The home with an incident, a promise, a replay, DAG files and an address of Airflow as well."""
    nightshift = enter(home, monkeypatch)
    monkeypatch.setenv("NIGHTSHIFT_AIRFLOW_UI", "http://127.0.0.1:8080")
    settings = read_settings()
    Observations(settings.ledger_url).declare([DECLARED.to_json()])
    shop = Shop(settings.ledger_url)
    shop.settle(verdict("failed", key="3f9a1c0d2b44ff", reason="no space left", alert="failed"), now=DUE)
    shop.close()
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "broken.py").write_text("import nothing_of_that_name  # airflow DAG\n")
    return nightshift


def parcels(file):
    """Write a table that a pipeline can be made of."""
    lines = [
        f"{night}-{number},2026-01-{night:02},{number % 7},{'north' if number % 3 else 'south'},{int(number % 7 > 3)}"
        for night in range(1, 29)
        for number in range(40)
    ]
    file.write_text("\n".join(["parcel,day,kilograms,depot,late", *lines]) + "\n")
    return file


def words_of(command, home, tmp_path):
    found = {
        "KEY": home.ledger.entries(pipeline="tides", limit=1)[0].key,
        "DAGS": str(tmp_path / "dags"),
        "EMPTY": str(tmp_path / "empty"),
        "VAULT": str(tmp_path / "vault"),
        "KEPT": str(tmp_path / "kept"),
        "FILE": str(parcels(tmp_path / "parcels.csv")),
        "AUTH": str(write_config(tmp_path / "auth.ini", f"sqlite:///{tmp_path / 'auth.db'}")),
        "LOGIN": str(write_credentials(tmp_path / "login")),
    }
    return [found.get(word, word) for word in WORDS[command].split()]


@pytest.mark.parametrize("command", WORDS)
def test_each_answer_is_as_its_schema_says(command, busy, home, tmp_path, monkeypatch):
    if command == "live status":
        settings = read_settings()
        keep(settings, run(begin(recording, "flights", now=DUE, speed=600.0), DUE))
    if command == "search":
        busy = enter(home, monkeypatch, tides.searched(trials=2))
    if command in ("doctor", "check-pipeline"):  # they read the files of pipelines
        busy = enter(home, monkeypatch, *DECLARED_HERE)
    if "KEPT" in WORDS[command]:
        busy("backup", "create", str(tmp_path / "kept"))
    printed = busy(*words_of(command, home, tmp_path), "--json", code=CODES.get(command, 0)).stdout
    answer = answer_of(command, printed)
    assert answer or command in EMPTY


def test_every_answer_is_tried():
    own_tests = {"drill", "roles sync", "stack status"}  # look at the answer: they take a while, or much that runs
    assert set(ANSWERS) == {*WORDS, *own_tests}


def test_every_command_with_json_has_a_schema():
    def with_json(command, path):
        if any(parameter.name == "as_json" for parameter in command.params):
            yield path
        for name, child in getattr(command, "commands", {}).items():
            yield from with_json(child, f"{path} {name}")

    found = {path for command in COMMANDS for path in with_json(command, command.name)}
    described = {re.sub(r" (PIPELINE|--\w+)$", "", command) for command in ANSWERS} - {"error"}
    assert found == described


def test_schemas_are_those_of_the_code():
    assert script().stale() == []


def test_page_names_every_schema_and_no_other():
    page = (ROOT / "docs" / "json.md").read_text()
    files = {file.name for file in SCHEMAS.glob("*.json")}
    assert files == {name.split(")")[0] for name in page.split("(schemas/")[1:]}


def test_an_answer_that_lacks_a_field_is_found(busy):
    printed = busy("status", "tides", "--json").stdout
    with pytest.raises(jsonschema.ValidationError, match="'state' is a required property"):
        answer_of("status PIPELINE", printed.replace('"state"', '"stat"'))


def test_verdict_of_a_night_that_would_never_end_has_no_such_time():
    endless = replace(FORECAST, finish_p50=math.inf, finish_p90=math.inf, slack_seconds=-math.inf)
    watched = verdict("late", members=(1, 2), of=3, forecast=endless)
    [answer] = answer_of("watch --once", json.dumps([watched.to_json()]))
    assert answer["forecast"]["finish_p50"] is None
