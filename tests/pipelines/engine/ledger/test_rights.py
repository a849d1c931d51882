"""The rights that the security guide gives to workers are enough for every operation, and for nothing more."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from sqlalchemy.exc import DBAPIError

from pipelines.engine.errors import LedgerError
from pipelines.engine.incidents.forgetting import forget_some
from pipelines.engine.ledger import Done, Ledger
from pipelines.engine.ledger.migrate import migrate
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.ledger.promise_outcomes import PromiseOutcome, PromiseOutcomes
from tests.pipelines.engine.incidents.nights import DUE, ID, verdict
from tests.pipelines.engine.incidents.shop import Shop
from tests.pipelines.engine.ledgers import Inside
from tests.pipelines.engine.promises.nights import declared
from tests.pipelines.engine.steps.places import ROOT
from tests.support.roles import role_with_password

pytestmark = pytest.mark.postgres
GRANTS = (ROOT / "docker/postgres/ledger_grants.sql").read_text()
SHOWN, GRANTS_TO_TIDY = (
    dedent(block) for block in re.findall(r"  ```sql\n(.*?)  ```", (ROOT / "docs/security.md").read_text(), re.DOTALL)
)


@pytest.fixture
def worker_url(postgres, postgres_ledger_url):
    """The URL of the ledger for a role that has the guide's rights alone."""
    with role_with_password(postgres, "ledger", "a password"), Inside(postgres_ledger_url) as owner:
        migrate(postgres_ledger_url, grants=GRANTS)
        yield postgres_ledger_url.replace("nightshift@", "ledger:a%20password@")
        owner.connection.exec_driver_sql("DROP OWNED BY ledger")


def test_guide_shows_the_rights_that_are_given():
    assert SHOWN == GRANTS


def test_workers_can_do_all_that_a_ledger_does(worker_url, key):
    ledger = Ledger(worker_url, lease_seconds=3600, patience=1)
    ledger.check()
    claim = ledger.claim(key, holder="worker")
    ledger.renew(claim)
    ledger.release(claim, "later")
    ledger.fail(ledger.claim(key, holder="worker"), "wrong")
    ledger.force(key.digest, holder="worker", reason="again")
    ledger.finish(ledger.claim(key, holder="worker"), {"rows": 1})
    assert isinstance(ledger.claim(key, holder="other"), Done)
    assert len(ledger.history(key.digest)) == 7
    assert ledger.entries()


def test_workers_can_count_old_events_and_not_remove_them(worker_url, key):
    ledger = Ledger(worker_url, patience=1)
    ledger.release(ledger.claim(key, holder="worker"), "later")
    with Inside(worker_url.replace("ledger:a%20password@", "nightshift@")) as owner:
        owner.let_time_pass(40)
    assert ledger.old_events(ledger.now()).number == 2
    with pytest.raises(LedgerError, match="permission denied for table forgetting"):
        ledger.forget_events(ledger.now())


def test_role_that_tidies_up_removes_what_may_go_and_nothing_else(worker_url, key):
    ledger = Ledger(worker_url, patience=1)
    ledger.finish(ledger.claim(key, holder="worker"), {})
    with Inside(worker_url.replace("ledger:a%20password@", "nightshift@")) as owner:
        owner.connection.exec_driver_sql(GRANTS_TO_TIDY)
        owner.let_time_pass(40)
    assert ledger.forget_events(ledger.now()) == 1
    with Inside(worker_url) as door, pytest.raises(DBAPIError, match="append-only"):
        door.connection.exec_driver_sql("DELETE FROM task_events")
    assert [event.event for event in ledger.history(key.digest)] == ["finished"]


def test_workers_and_the_watch_can_tell_what_happens(worker_url):
    observations = Observations(worker_url, patience=1)
    observations.declare([declared().to_json()])
    observations.declare([])
    for state in ("running", "success"):
        observations.tell_run("tides_scoring", "a", state=state, kind="manual", partition_key=None, run_after=None)
        observations.tell_task("tides_scoring", "a", "score", 0, state=state, try_number=1)
    observations.tell_skipped("tides_scoring", "a", [("score", 1)])
    observations.beat("watch", {})
    observations.beat("watch", {})
    outcomes = PromiseOutcomes(worker_url, patience=1)
    for finished_at in (None, 2.0):
        outcomes.record([PromiseOutcome("a", "b", "c", "late", 1.0, finished_at)])
    assert [outcome.finished_at for outcome in outcomes.since(0.0)] == [2.0]


def test_workers_can_do_all_that_incidents_need_and_the_role_that_tidies_up_forgets_them(worker_url):
    shop = Shop(worker_url)
    shop.settle(verdict("late"), now=DUE)
    shop.at(DUE).acknowledge(ID, by="ada")
    shop.at(DUE).silence(ID, seconds=60.0, by="ada", reason="x")
    shop.at(DUE).unsilence(ID)
    shop.settle(verdict("done", late_by=60.0), now=DUE + 60)
    [letter, _] = shop.outbox.take("me", limit=2, lease_seconds=60.0)
    shop.outbox.failed(letter.id, "me", "no", retry_in=1.0)
    with pytest.raises(LedgerError, match="permission denied for table silences"):
        shop.outbox.do(lambda connection: forget_some(connection, DUE))
    with Inside(worker_url.replace("ledger:a%20password@", "nightshift@")) as owner:
        owner.connection.exec_driver_sql(GRANTS_TO_TIDY)
    assert shop.outbox.do(lambda connection: forget_some(connection, DUE)) == 0
    shop.close()


def test_workers_cannot_rewrite_what_was_told(worker_url):
    with Inside(worker_url) as door, pytest.raises(DBAPIError, match="permission denied"):
        door.connection.exec_driver_sql("UPDATE incident_events SET event = 'resolved'")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE task_events SET holder = 'nobody'",
        "DELETE FROM task_events",
        "TRUNCATE task_events",
        "DELETE FROM task_keys",
        "ALTER TABLE task_events DISABLE TRIGGER ALL",
        "DROP TABLE task_events",
        "UPDATE nightshift_ledger_version SET version_num = 'x'",
    ],
)
def test_workers_can_neither_rewrite_history_nor_change_tables(worker_url, key, statement):
    ledger = Ledger(worker_url)
    ledger.claim(key, holder="worker")
    with Inside(worker_url) as door, pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        door.connection.exec_driver_sql(statement)
    assert [event.event for event in ledger.history(key.digest)] == ["claimed"]
