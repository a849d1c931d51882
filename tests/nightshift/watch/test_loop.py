"""The watch as a process: it waits for its ledger, survives what fails, measures, and ends when it is told to."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request

import pytest

from nightshift.drill.servers.guarded import free_port
from nightshift.watch import loop as looping
from nightshift.watch.loop import Loop
from pipelines.engine.errors import LedgerUnavailable


@pytest.fixture
def running(desk, monkeypatch):
    """A loop in a thread of its own; DAG files are not read here."""
    monkeypatch.setattr(Loop, "_read", lambda *_: None)
    port = free_port()
    loop = Loop(desk.settings, every=0.1, address=("127.0.0.1", port))
    thread = threading.Thread(target=loop.run)
    thread.start()
    yield port
    loop.stop()
    thread.join(20)
    assert not thread.is_alive()


def until(true, seconds=15.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False


def measured(port: int, name: str) -> float | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
    except urllib.error.URLError:  # it does not answer yet
        return None
    return next((float(line.split()[-1]) for line in lines if line.startswith(name)), None)


def test_watch_tells_of_a_late_night_by_itself(desk, running):
    desk.declare()
    desk.time_is("06:01")
    desk.run_is("running")
    sent = desk.settings.home / "alerts" / "sent.jsonl"
    assert until(sent.exists)
    assert sent.read_text().count("\n") == 1
    assert until(lambda: (measured(running, "nightshift_watch_heartbeat_timestamp_seconds") or 0.0) > 1e9)


def test_turn_that_fails_is_counted_and_the_next_one_comes(desk, running, monkeypatch):
    def fails(*_):
        raise LedgerUnavailable("the ledger does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(looping.Watch, "turn", fails)
        assert until(lambda: (measured(running, "nightshift_watch_errors_total") or 0.0) >= 1)
    desk.declare()
    desk.time_is("02:30")
    assert until(lambda: desk.states() == ["absent"])
