from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from nightshift.stack.definition import interpolate, read_definition, seconds_of
from nightshift.stack.errors import DefinitionWrong
from nightshift.stack.order import may_start, starting_order
from nightshift.stack.programs import ABSENT, INSTEAD
from nightshift.stack.run import FILE


@pytest.fixture(scope="module")
def definition():
    return read_definition(FILE, {})


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    """The same file as docker-compose reads it: anchors, merges and variables done by itself."""
    folder = tmp_path_factory.mktemp("docker")
    shutil.copytree(FILE.parent, folder / "docker", ignore=shutil.ignore_patterns("secrets"))
    (folder / "dags").mkdir()
    secrets = folder / "docker" / "secrets"
    secrets.mkdir()
    for name in yaml.safe_load(FILE.read_text())["secrets"]:
        (secrets / name).touch()
    done = subprocess.run(
        ["docker-compose", "-f", str(folder / "docker" / "compose.yaml"), "config"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


def test_processes_and_containers_are_the_same_roles_with_the_same_words_and_variables(definition, composed):
    assert set(definition.roles) == set(composed)
    for name, role in definition.roles.items():
        theirs = composed[name]
        assert role.image == theirs["image"], name
        assert dict(role.environment) == {
            key: str(value).replace("$$", "$") for key, value in theirs.get("environment", {}).items()
        }, name
        assert [word.replace("$$", "$") for word in theirs.get("command", [])] == list(role.command), name
        assert dict(role.needs) == {
            need: wanted["condition"] for need, wanted in theirs.get("depends_on", {}).items()
        }, name
        assert list(role.secrets) == [
            secret["source"] if isinstance(secret, dict) else secret for secret in theirs.get("secrets", [])
        ], name
        assert role.is_job == (theirs.get("restart") == "no"), name
        tests = [word.replace("$$", "$") for word in theirs.get("healthcheck", {}).get("test", [])][1:]
        assert tests == list(role.health.test if role.health else ())[-len(tests) or 1 :], name


def test_every_role_is_a_process_or_says_why_it_is_none(definition):
    assert set(ABSENT) < set(definition.roles)
    assert all(ABSENT.values())
    assert set(INSTEAD) < set(definition.roles) - set(ABSENT)  # what is another program here is told by `stack up`


def test_no_role_runs_as_root_or_may_write_its_own_files_but_the_one_that_gives_volumes_away(definition):
    raw = yaml.safe_load(FILE.read_text())["services"]
    for name, role in raw.items():
        assert role["read_only"], name
        assert role["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in role["security_opt"], name
        assert role["user"] != "0:0" or name == "volumes", name
        assert "privileged" not in role, name


def test_no_password_stands_in_the_file():
    text = FILE.read_text()
    assert not [
        line
        for line in text.splitlines()
        if "://" in line and "@" in line and line.split("@")[0].rsplit("/", 1)[-1].count(":")
    ]
    for word in ("password: ", "PASSWORD: ", "secret_key: "):
        assert all(value.startswith("/run/secrets/") for value in _values(text, word))


def _values(text: str, word: str) -> list[str]:
    return [line.split(word)[1].strip() for line in text.splitlines() if word in line and "{ file:" not in line]


def test_only_loopback_is_published():
    for name, role in yaml.safe_load(FILE.read_text())["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in role.get("ports", [])), name


def test_every_secret_that_is_asked_for_is_made(definition):
    from nightshift.secrets.files import BY_NAME

    asked = {secret for role in definition.roles.values() for secret in role.secrets}
    assert asked == set(BY_NAME)


def test_workers_have_no_password_of_airflow_s_database(definition):
    worker = definition.roles["airflow-worker"]
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" not in worker.environment
    assert not {"airflow.pgpass", "migrate.pgpass"} & set(worker.secrets)


def test_variables_are_read_as_compose_reads_them():
    assert interpolate({"a": ["${NAME:-x} $${NAME} ${GONE}"]}, {"NAME": "y"}) == {"a": ["y ${NAME} "]}
    assert interpolate("${NAME:-x}", {"NAME": ""}) == "x"


@pytest.mark.parametrize(("text", "seconds"), [("1m30s", 90.0), ("2h", 7200.0), ("15s", 15.0)])
def test_durations(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "1.5s", "s"])
def test_what_is_no_duration_is_said(text):
    with pytest.raises(ValueError, match="no duration"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["", "services: 1", "services: {a: {}}", "a: ["])
def test_a_file_that_is_no_definition_is_said_in_a_sentence(tmp_path, text):
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    with pytest.raises(DefinitionWrong, match="cannot be read as the stack's definition"):
        read_definition(file, {})


def test_each_role_starts_after_those_it_needs(definition):
    order = [role.name for role in starting_order(definition.roles.values())]
    for role in definition.roles.values():
        assert all(order.index(need) < order.index(role.name) for need in role.needs)


def test_a_job_is_waited_for_until_it_is_done_and_an_absent_role_is_not(definition):
    mlflow = definition.roles["mlflow"]
    assert not may_start(mlflow, {"migrate", "migrate-mlflow"}, {"migrate"}, ABSENT)
    assert may_start(mlflow, set(), {"migrate", "migrate-mlflow"}, ABSENT)
    assert may_start(definition.roles["redis"], set(), set(), ABSENT)


def test_roles_that_wait_for_each_other_are_named(tmp_path):
    file = tmp_path / "compose.yaml"
    file.write_text(
        json.dumps(
            {
                "services": {
                    one: {"image": "x", "depends_on": {other: {"condition": "service_started"}}}
                    for one, other in (("a", "b"), ("b", "a"))
                }
            }
        )
    )
    with pytest.raises(DefinitionWrong, match="wait for each other"):
        starting_order(read_definition(file, {}).roles.values())


def test_the_file_lies_where_people_look(definition):
    assert Path(FILE).name == "compose.yaml"
    assert definition.folder == FILE.parent
