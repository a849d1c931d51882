"""`nightshift doctor --production` on a laptop's home: red for each of its reasons, in words and in JSON."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nightshift.cli import cli
from nightshift.embedded.environment import airflow_environment, configuration_text
from nightshift.embedded.keys import load_or_make_keys
from nightshift.embedded.layout import Layout
from nightshift.hardening import CHECKS
from tests.support.clone import REPOSITORY
from tests.support.schemas import answer_of

SLOW = ("dags",)
"""Runs every DAG file; the doctor's own tests do."""
REASONS = {
    "simple-auth": "red",
    "all-admins": "red",
    "sqlite": "red",
    "preload": "red",
    "watch-heard": "red",
    "anonymous-api": "unseen",
    "anonymous-pages": "unseen",
    "airflow-default-login": "unseen",
    "executor": "warning",
    "backup": "warning",
    "https": "warning",
    "alert-routes": "accepted",
}
GREEN = (
    "fernet-key",
    "jwt-secret",
    "api-secret-key",
    "example-dags",
    "safe-mode",
    "secret-files",
    "clock-skew",
    "debug",
)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> dict[str, Any]:
    """What the command says of a home as `nightshift up` makes it, with nothing running."""
    home = tmp_path_factory.mktemp("laptop") / "home"
    (home / "airflow").mkdir(parents=True)
    shutil.copy(migrated_file, home / "ledger.db")
    (home / "ledger.db").chmod(0o600)
    layout = Layout(home, REPOSITORY)
    settings = airflow_environment(layout, port=1, keys=load_or_make_keys(layout.secrets))
    layout.configuration.write_text(configuration_text(settings))
    layout.configuration.chmod(0o600)
    risks = home / "risks.toml"
    risks.write_text('[[accepted]]\ncheck = "alert-routes"\nreason = "we look each morning"\nuntil = 2999-01-01\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "AIRFLOW"))}
    only = [word for check in CHECKS if check.id not in SLOW for word in ("--only", check.id)]
    command = [sys.executable, "-c", "from nightshift.cli import main; main()", "doctor", "--production", "--json"]
    done = subprocess.run(
        [*command, *only, "--accepted", str(risks), "--prometheus", "http://127.0.0.1:1"],
        env={**kept, "NIGHTSHIFT_HOME": str(home), "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'plugins'}"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return {
        "answer": answer_of("doctor --production", done.stdout),
        "keys": load_or_make_keys(layout.secrets),
        **vars(done),
    }


def states(laptop: dict[str, Any]) -> dict[str, str]:
    return {each["check"]: each["state"] for each in laptop["answer"]}


def test_laptop_is_red_for_each_of_its_reasons(laptop: dict[str, Any]) -> None:
    assert states(laptop).items() >= REASONS.items()


def test_laptop_is_green_where_it_is_well_set(laptop: dict[str, Any]) -> None:
    assert {name: states(laptop)[name] for name in GREEN} == dict.fromkeys(GREEN, "green")


def test_what_a_laptop_does_not_have_is_not_held_against_it(laptop: dict[str, Any]) -> None:
    for name in ("redis-password", "mlflow-login", "conditional-writes", "acks-late", "ledger-rights"):
        assert states(laptop)[name] == "not_used"


def test_keys_are_in_no_answer(laptop: dict[str, Any]) -> None:
    keys = laptop["keys"]
    for secret in (keys.jwt, keys.api, keys.fernet):
        assert secret not in laptop["stdout"] + laptop["stderr"]


def test_check_that_there_is_none_of_is_named_with_the_nearest() -> None:
    done = CliRunner().invoke(cli, ["doctor", "--production", "--only", "clock-skw"])
    assert done.exit_code == 2
    assert "'clock-skew'" in done.output


def test_options_of_production_are_not_passed_over_without_it() -> None:
    done = CliRunner().invoke(cli, ["doctor", "--only", "clock-skew"])
    assert done.exit_code == 2
    assert "--production" in done.output


def test_people_read_who_is_wrong_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("FLASK_DEBUG", "1")
    done = CliRunner().invoke(cli, ["doctor", "--production", "--only", "telemetry", "--only", "debug"])
    assert done.exit_code == 1
    assert "RED       debug" in done.stdout
    assert "the variable FLASK_DEBUG: expected unset; got on" in done.stdout
    assert "docs/hardening.md#debug" in done.stdout
    assert "1 ok, 1 RED" in done.stdout
