import tempfile
from pathlib import Path

import psutil
import psycopg2
import pytest

from nightshift.drill.servers import DatabaseServer, NotInstalled, ServerFailed, database


@pytest.fixture(scope="module")
def server():
    """A server of this module's own: it does not survive what is done to it here."""
    with DatabaseServer() as server:
        yield server


@pytest.fixture
def written(server):
    """A database with a row that was committed, and an open connection with one that was not."""
    name = server.create()
    kept, lost = server.connect(name), server.connect(name)
    kept.cursor().execute("CREATE TABLE nights (night text)")
    kept.cursor().execute("INSERT INTO nights VALUES ('committed')")
    lost.autocommit = False
    lost.cursor().execute("INSERT INTO nights VALUES ('open')")
    yield name, lost
    kept.close()
    lost.close()


def rows_of(server, name):
    connection = server.connect(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT night FROM nights")
        found = [night for (night,) in cursor.fetchall()]
    connection.close()
    return found


@pytest.mark.postgres
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restarted_server_has_what_was_committed_and_knows_no_connection(server, written, mode):
    name, connection = written
    port = server.port
    server.restart(mode)
    assert server.port == port
    assert rows_of(server, name) == ["committed"]
    with pytest.raises(psycopg2.OperationalError):
        connection.commit()


@pytest.mark.postgres
def test_killed_server_is_down_until_it_is_started_and_has_what_was_committed(server, written):
    server.kill()
    with pytest.raises(psycopg2.OperationalError, match="Connection refused"):
        server.connect()
    with pytest.raises(ServerFailed, match="not running"):
        server.stop()
    server.start()
    assert rows_of(server, written[0]) == ["committed"]


@pytest.mark.postgres
def test_dropped_database_is_gone_whoever_is_connected(server):
    name = server.create()
    connection = server.connect(name)
    server.drop(name)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        server.connect(name)
    connection.close()


@pytest.mark.postgres
def test_server_leaves_no_folder_and_no_process_behind(monkeypatch):
    quick = Path(tempfile.mkdtemp(prefix="drill-"))  # pytest's own is closed to the user that the server runs as
    quick.chmod(0o755)
    monkeypatch.setattr(database, "_quick_folder", lambda: quick)
    with DatabaseServer() as server:
        postmaster = psutil.Process(server._process.pid)
        family = [postmaster, *postmaster.children(recursive=True)]
        assert list(quick.iterdir())
    assert psutil.wait_procs(family, timeout=30)[1] == []
    assert list(quick.iterdir()) == []
    quick.rmdir()


@pytest.mark.postgres
def test_server_is_not_run_by_root(server):
    assert psutil.Process(server._process.pid).uids().real != 0


def test_machine_without_postgresql_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(database, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotInstalled, match="apt-get install postgresql"), DatabaseServer():
        pass
