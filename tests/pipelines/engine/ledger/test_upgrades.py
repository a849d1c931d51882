"""A ledger that was lived in goes up, back, and up again, and remembers everything; while workers work, too."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from pipelines.engine.errors import LedgerNotMigrated, UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Done, Ledger
from pipelines.engine.ledger.migrate import known_revisions, look, migrate, written_down
from pipelines.engine.ledger.schema import REVISION, VERSION_TABLE
from tests.pipelines.engine.ledger.snapshots import live_in, remembered
from tests.pipelines.engine.ledgers import BOTH, Inside

OLD = [revision for revision in known_revisions() if revision != REVISION]
WITH_INCIDENTS = [revision for revision in OLD if revision >= "0003"]


@pytest.fixture(params=BOTH)
def empty_url(request, tmp_path):
    """The URL of a database without tables, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


def refuses(url: str, statement: str) -> None:
    with Inside(url) as door, pytest.raises(DBAPIError, match=r"append-only|never forgets"):
        door.connection.exec_driver_sql(statement)


@pytest.mark.parametrize("revision", OLD)
def test_keys_results_and_incidents_survive_up_back_and_up_again(empty_url, revision):
    live_in(empty_url, revision)
    before = remembered(empty_url)
    migrate(empty_url)
    ledger = Ledger(empty_url)
    ledger.check()
    assert remembered(empty_url, [*before]) == before
    assert ledger.entry("a" * 64).result == {"rows_in": 3, "mean": 0.1}
    migrate(empty_url, to=revision)
    assert remembered(empty_url) == before
    refuses(empty_url, "DELETE FROM task_events")
    migrate(empty_url)
    assert remembered(empty_url, [*before]) == before
    refuses(empty_url, "DELETE FROM task_events")
    refuses(empty_url, "DELETE FROM task_keys")


def test_going_back_refuses_to_lose_incidents_and_changes_nothing(empty_url):
    live_in(empty_url, "0003")
    migrate(empty_url)
    before = remembered(empty_url)
    with pytest.raises(UsageError, match=r"to 0002 would lose 1 incidents, 1 lines of their history.*--discard"):
        migrate(empty_url, to="0002")
    assert remembered(empty_url) == before
    migrate(empty_url, to="0002", discard=True)
    kept = {name: before[name] for name in ("task_keys", "task_events", "forgetting")}
    assert remembered(empty_url) == kept


def test_a_ledger_without_incidents_goes_back_without_a_question(empty_url, key):
    migrate(empty_url)
    ledger = Ledger(empty_url)
    ledger.finish(ledger.claim(key, holder="a"), {"rows": 1})
    assert migrate(empty_url, to="0001").back
    migrate(empty_url)
    assert isinstance(ledger.claim(key, holder="b"), Done)


def test_written_sql_does_what_the_migration_does(empty_url, tmp_path, request):
    sql = written_down(empty_url, look(empty_url))
    with Inside(empty_url) as door:
        raw = door.connection.connection.driver_connection
        raw.executescript(sql) if empty_url.startswith("sqlite") else raw.cursor().execute(sql)
    Ledger(empty_url).check()
    assert look(empty_url).steps == ()


def test_unknown_revision_is_refused_in_words(tmp_path):
    with pytest.raises(UsageError, match=r"no revision '0030'; there are 0001, .*, 0005"):
        migrate(f"sqlite:///{tmp_path / 'ledger.db'}", to="0030")


def become_newer(inside: Inside, oldest_code: str | None) -> None:
    inside.connection.execute(
        text(f"UPDATE {VERSION_TABLE} SET version_num = '9999', oldest_code = :code"), {"code": oldest_code}
    )


def test_workers_go_on_with_newer_tables_that_say_they_may(ledger, inside, key):
    become_newer(inside, REVISION)
    ledger.check()
    ledger.finish(ledger.claim(key, holder="a"), {})


@pytest.mark.parametrize("oldest_code", ["9999", None])
def test_newer_tables_that_do_not_say_so_ask_for_newer_code(ledger, inside, oldest_code):
    become_newer(inside, oldest_code)
    with pytest.raises(
        LedgerNotMigrated, match=r"of version 9999; this .* newer Nightshift made them: upgrade this machine"
    ):
        ledger.check()


def test_migration_by_older_code_says_who_can(ledger_url, inside):
    become_newer(inside, REVISION)
    with pytest.raises(LedgerNotMigrated, match=f"revision 9999.*migrate --to {REVISION}`, with the newer code"):
        migrate(ledger_url)


@pytest.mark.postgres
def test_workers_lose_nothing_while_the_ledger_goes_back_and_up(postgres_ledger_url):
    ledger, stop, done, wrong = Ledger(postgres_ledger_url), threading.Event(), [], []

    def work() -> None:
        while not stop.is_set():
            key = TaskKey(pipeline="flights", step="publish", partition=f"2013#{len(done)}", inputs={}, code="c")
            try:
                ledger.finish(ledger.claim(key, holder="worker"), {"number": len(done)})
            except Exception as error:
                wrong.append(error)
                return
            done.append(key)

    worker = threading.Thread(target=work)
    worker.start()
    for revision in (*reversed(OLD), REVISION) * 2:
        before = len(done)
        migrate(postgres_ledger_url, to=revision)
        while worker.is_alive() and len(done) < before + 3:
            stop.wait(0.001)
    stop.set()
    worker.join()
    assert not wrong
    assert [ledger.claim(key, holder="other").result["number"] for key in done] == list(range(len(done)))
