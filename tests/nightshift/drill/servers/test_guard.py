"""Servers whose owner is killed end with it; those whose owner forks do not care."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from nightshift.drill.servers import ServerFailed
from nightshift.drill.servers.guarded import Guarded, start_on_free_port
from tests.pipelines.engine.processes import REPOSITORY, wait_until

OWNER = Path(__file__).with_name("owner.py")


@pytest.fixture
def owner():
    """A process that has a server of each quick kind, and what it says of them."""
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "plugins")])
    process = subprocess.Popen(
        [sys.executable, str(OWNER)], env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
    )
    yield process, json.loads(process.stdout.readline())
    process.kill()
    process.communicate()


@pytest.mark.postgres
def test_killed_owner_leaves_no_process_and_no_folder_behind(owner):
    process, said = owner
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) > 5  # guards, servers, PostgreSQL's helpers
    assert all(Path(folder).exists() for folder in said["folders"])
    process.kill()
    wait_until(lambda: not any(_lives(member) for member in family))
    wait_until(lambda: not any(Path(folder).exists() for folder in said["folders"]))


@pytest.mark.postgres
def test_fork_that_ends_takes_nothing_with_it(owner):
    _, said = owner  # it has forked, and its fork has ended, before it spoke
    assert httpx.get(said["store"], trust_env=False).status_code == 200
    assert httpx.get(said["proxy"], trust_env=False).status_code == 200


def test_program_that_is_not_there_is_named_with_its_log(tmp_path):
    with pytest.raises(ServerFailed, match=r"(?s)the drill's oracle could not be started.*No such file"):
        Guarded("oracle", [str(tmp_path / "none")], log=tmp_path / "log", environment=dict(os.environ))


def test_server_that_does_not_answer_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("nightshift.drill.servers.guarded.START_SECONDS", 0.2)
    silent = Guarded("sleeper", ["sleep", "600"], log=tmp_path / "log", environment=dict(os.environ))
    with pytest.raises(ServerFailed, match="sleeper did not answer within"):
        silent.wait_until(lambda: False)
    assert silent.ended
    assert not psutil.pid_exists(silent.pid)


def test_server_that_ignores_a_kind_signal_is_killed(tmp_path, monkeypatch):
    stubborn = ["sh", "-c", "trap '' USR1; echo deaf; while :; do sleep 0.1; done"]
    manners = {"stop_signal": "SIGUSR1", "grace_seconds": 0.2}
    server = Guarded("deaf", stubborn, log=tmp_path / "log", environment=dict(os.environ), **manners)
    server.wait_until(lambda: "deaf" in (tmp_path / "log").read_text())
    server.stop()
    wait_until(lambda: not psutil.pid_exists(server.pid))


def test_everything_that_a_server_started_ends_with_it(tmp_path):
    parent = ["sh", "-c", "sleep 600 & echo $!; wait"]
    server = Guarded("family", parent, log=tmp_path / "log", environment=dict(os.environ))
    server.wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"))
    child = psutil.Process(int((tmp_path / "log").read_text()))
    server.end(signal.SIGKILL)
    wait_until(lambda: not _lives(child))


@pytest.mark.parametrize("taken", [True, False])
def test_other_port_is_tried_if_the_port_was_the_trouble(taken):
    asked = []

    with socket.socket() as rival:

        def start(port):
            asked.append(port)
            if taken and len(asked) == 1:
                rival.bind(("127.0.0.1", port))
                rival.listen()
            if len(asked) == 1:
                raise ServerFailed("did not start")
            return "started"

        if taken:
            assert start_on_free_port(start) == ("started", asked[1])
        else:
            with pytest.raises(ServerFailed):
                start_on_free_port(start)
    assert len(asked) == 1 + taken


def _lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
