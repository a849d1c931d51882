"""A ledger that cannot be reached says so, without saying too much."""

import socket
import sqlite3

import pytest

from pipelines.engine.errors import LedgerError, LedgerNotMigrated, LedgerUnavailable, UsageError
from pipelines.engine.ledger import Ledger
from pipelines.engine.ledger.migrate import migrate


@pytest.fixture
def silent_url():
    """The URL of a Postgres that is not there; the port is taken, so that nobody else begins to answer on it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"postgresql://nightshift:s3cret@127.0.0.1:{taken.getsockname()[1]}/ledger"


def test_unreachable_postgres_is_named_without_its_password(silent_url):
    with pytest.raises(LedgerUnavailable) as caught:
        Ledger(silent_url, patience=0.1).entries()
    assert "does not answer" in str(caught.value)
    assert "nightshift:***@127.0.0.1" in str(caught.value)
    assert "Nothing was lost" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.retryable


def test_migration_of_an_unreachable_postgres_is_named_without_its_password(silent_url):
    with pytest.raises(LedgerUnavailable) as caught:
        migrate(silent_url, patience=0.1)
    assert "s3cret" not in str(caught.value)


def test_ledger_shows_itself_without_its_password(silent_url):
    assert "s3cret" not in repr(Ledger(silent_url))


def test_missing_sqlite_file_is_not_made(tmp_path):
    path = tmp_path / "ledger.db"
    with pytest.raises(LedgerNotMigrated, match=f"there is no file {path}"):
        Ledger(f"sqlite:///{path}", patience=0.1).entries()
    assert not path.exists()


def test_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "ledger.db").write_text("a shopping list " * 100)
    with pytest.raises(LedgerError, match="refused: file is not a database"):
        Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", patience=0.1).entries()


def test_sqlite_file_that_another_process_locks_is_tried_again_until_patience_ends(sqlite_ledger_url, monkeypatch, key):
    monkeypatch.setattr("pipelines.engine.ledger.database.SQLITE_PATIENCE_MS", 50)
    ledger = Ledger(sqlite_ledger_url, patience=0.3)
    other = sqlite3.connect(sqlite_ledger_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="database is locked"):
        ledger.claim(key, holder="a")
    other.execute("ROLLBACK")
    other.close()
    assert ledger.claim(key, holder="a").fence == 1


@pytest.mark.postgres
def test_unknown_postgres_database_does_not_answer(postgres):
    with pytest.raises(LedgerUnavailable, match='database "nowhere" does not exist'):
        Ledger(postgres.url("nowhere"), patience=0.1).entries()


@pytest.mark.postgres
def test_connection_that_breaks_off_is_opened_again(postgres, postgres_ledger_url, key):
    ledger = Ledger(postgres_ledger_url, patience=10)
    claim = ledger.claim(key, holder="a")
    broken = []

    def break_off_once(connection):
        if not broken:
            broken.append(True)
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        return connection.exec_driver_sql("SELECT 1").scalar()

    assert ledger.do(break_off_once) == 1
    ledger.finish(claim, {})


@pytest.mark.parametrize("url", ["mysql://root:s3cret@localhost/x", "s3cret", "redis://:s3cret@localhost", "sqlite"])
def test_url_that_cannot_be_a_ledger_is_refused(url):
    with pytest.raises(UsageError, match="expected sqlite:///FILE or postgresql://") as caught:
        Ledger(url)
    assert "s3cret" not in str(caught.value)
