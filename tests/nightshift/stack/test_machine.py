from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from nightshift.stack import machine, probe
from nightshift.stack.errors import ProgramsMissing, StackDown
from nightshift.stack.run import Stack
from nightshift.stack.supervisor import PORT


def test_missing_programs_are_told_with_the_packages_to_install(tmp_path):
    with pytest.raises(ProgramsMissing, match="apt-get install postgresql postgresql-client redis-server"):
        machine.require_programs(str(tmp_path))


def test_an_address_that_somebody_listens_on_is_left_alone(monkeypatch):
    monkeypatch.setattr(machine, "NETWORKS", ("127.72.1", "127.72.2"))
    with socket.socket() as other:
        other.bind(("127.72.1.1", PORT))
        other.listen()
        assert machine.free_network() == "127.72.2"


def test_a_stack_that_does_not_run_says_how_to_start_it(tmp_path):
    with pytest.raises(StackDown, match="nightshift stack up"):
        Stack(tmp_path).status()
    assert not Stack(tmp_path).runs


@pytest.fixture
def server() -> Iterator[str]:
    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 500)
            self.end_headers()
            self.wfile.write(json.dumps({"scheduler": {"status": "unhealthy"}}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def test_a_probe_believes_what_a_server_says_of_itself(server, capsys):
    assert probe.main([f"{server}/health"]) == 0
    assert probe.main([f"{server}/other"]) == 1
    assert probe.main([f"{server}/health", "scheduler.status=healthy"]) == 1
    assert "scheduler.status is 'unhealthy', expected 'healthy'" in capsys.readouterr().err
    assert probe.main([f"{server}/health", "triggerer.status=healthy"]) == 1
    assert "no triggerer.status" in capsys.readouterr().err
    assert probe.main(["nonsense"]) == 1


def test_a_probe_of_nobody_fails_without_a_traceback(capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert probe.main([f"http://127.0.0.1:{port}/"]) == 1
    assert capsys.readouterr().err.startswith("http://127.0.0.1")


def test_a_broker_that_is_away_is_told_without_its_password(monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL_CMD", "echo redis://:not-a-secret@127.0.0.1:1/0")
    assert probe.main(["celery", "celery@nobody"]) == 1
    assert "not-a-secret" not in capsys.readouterr().err
