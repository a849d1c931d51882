"""One connection serves what follows at once; it never outlives its moment, its file, or a fork."""

from __future__ import annotations

import gc
import os
import shutil

import pytest
from sqlalchemy import event

from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import connections
from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.ledger.values import Claimed


@pytest.fixture(params=["sqlite_ledger_url", "postgres_ledger_url"])
def ledger(request):
    return Ledger(request.getfixturevalue(request.param))


@pytest.fixture
def opened(ledger):
    """What was opened and closed, as it happens."""
    seen = []
    event.listen(ledger.engine, "connect", lambda *_: seen.append("open"))
    event.listen(ledger.engine, "close", lambda *_: seen.append("close"))
    return seen


def key(number: int) -> TaskKey:
    return TaskKey(pipeline="tides", step="score", partition=f"2026-01-01#{number}", inputs={})


def test_claim_and_finish_share_one_connection(ledger, opened):
    for number in range(3):
        claim = ledger.claim(key(number), holder="a")
        assert isinstance(claim, Claimed)
        ledger.finish(claim, {})
    assert opened == ["open"]


def test_connection_is_not_used_after_its_moment(ledger, opened, monkeypatch):
    ledger.now()
    monkeypatch.setattr(connections, "KEPT_SECONDS", -1.0)
    ledger.now()
    assert opened == ["open", "close", "open"]


def test_connection_does_not_cross_a_fork(ledger, opened):
    ledger.now()
    child = os.fork()
    if not child:
        ledger.now()
        os._exit(0 if opened == ["open", "close", "open"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert opened == ["open", "close"]
    ledger.now()
    assert opened == ["open", "close", "open"]


def test_nothing_stays_open_when_its_owner_rests_or_goes(ledger, opened):
    ledger.now()
    ledger.rest()
    assert opened == ["open", "close"]
    other = Observations(ledger.engine.url.render_as_string(hide_password=False))
    closed = []
    event.listen(other.engine, "close", lambda *_: closed.append("close"))
    other.now()
    gc.disable()
    try:
        del other
        assert closed == ["close"]
    finally:
        gc.enable()


def test_what_may_not_wait_keeps_no_connection(ledger):
    hasty = Database(ledger.engine.url.render_as_string(hide_password=False), stall=2.0)
    seen = []
    event.listen(hasty.engine, "close", lambda *_: seen.append("close"))
    hasty.now()
    assert seen == ["close"]


def test_deleted_file_is_not_written_to_any_more(sqlite_ledger_url, tmp_path):
    ledger = Ledger(sqlite_ledger_url)
    file = tmp_path / "ledger.db"
    shutil.copy(file, tmp_path / "restored.db")
    ledger.claim(key(1), holder="a")
    for old in tmp_path.glob("ledger.db*"):
        old.unlink()
    (tmp_path / "restored.db").rename(file)
    assert ledger.entries() == []
    assert isinstance(ledger.claim(key(1), holder="b"), Claimed)
    assert [entry.holder for entry in Ledger(sqlite_ledger_url).entries()] == ["b"]


def test_sqlite_waits_for_the_disk_at_each_commit(sqlite_ledger_url):
    with Ledger(sqlite_ledger_url).engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL: power may fail after any claim
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
