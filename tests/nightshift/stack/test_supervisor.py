from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

from nightshift.stack.definition import read_definition
from nightshift.stack.layout import StackLayout
from nightshift.stack.rendering import programs_of
from nightshift.stack.run import FILE
from nightshift.stack.supervisor import Control, configuration


def written(tmp_path: Path, users: dict[str, str]) -> RawConfigParser:
    text = configuration(
        programs_of(read_definition(FILE, {}), "127.71.1", StackLayout(tmp_path)),
        Control("127.71.1.1", "not-a-secret"),
        logs=tmp_path / "logs",
        run=tmp_path / "run",
        common={"PATH": "/usr/bin"},
        folder=tmp_path,
        users=users,
    )
    parser = RawConfigParser()
    parser.read_string(text)
    return parser


def test_another_user_is_not_sent_into_a_folder_that_may_be_closed_to_him(tmp_path):
    parser = written(tmp_path, {"postgres": "postgres"})
    assert parser["program:postgres"]["user"] == "postgres"
    assert parser["program:postgres"]["directory"] == "/"
    assert "user" not in parser["program:redis"]
    assert parser["program:redis"]["directory"] == str(tmp_path)


def test_jobs_run_once_and_servers_come_back(tmp_path):
    parser = written(tmp_path, {})
    assert parser["program:migrate"]["autorestart"] == "false"
    assert parser["program:airflow-worker-1"]["autorestart"] == "true"
    assert parser["program:airflow-worker-1"]["stopwaitsecs"] == "1800"
    assert parser["program:postgres"]["stopsignal"] == "INT"


def test_only_loopback_hears_commands_and_only_with_a_password(tmp_path):
    section = written(tmp_path, {})["inet_http_server"]
    assert section["port"].startswith("127.")
    assert section["password"]
