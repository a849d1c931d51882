"""What Postgres says that a role may do in the ledger's database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nightshift.drill.servers import DatabaseServer
from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.rights import read_rights
from tests.pipelines.engine.ledgers import Inside
from tests.support.roles import role_with_password

pytestmark = pytest.mark.postgres


@pytest.fixture
def worker_url(postgres: DatabaseServer, postgres_ledger_url: str) -> Iterator[str]:
    """The URL of the ledger for a role that may work with keys, and with nothing else."""
    with role_with_password(postgres, "rights_worker", "a password"), Inside(postgres_ledger_url) as owner:
        owner.connection.exec_driver_sql("GRANT SELECT, INSERT, UPDATE ON task_keys TO rights_worker")
        yield postgres_ledger_url.replace("nightshift@", "rights_worker:a%20password@")
        owner.connection.exec_driver_sql("DROP OWNED BY rights_worker")


def test_rights_of_a_worker_are_those_that_were_granted(worker_url: str) -> None:
    rights = read_rights(Database(worker_url))
    assert rights is not None
    assert (rights.role, rights.powers, rights.owns, rights.makes_tables) == ("rights_worker", (), (), False)
    assert rights.may["task_keys"] == ("SELECT", "INSERT", "UPDATE")
    assert rights.may["task_events"] == ()
    assert "postgres" in rights.others


def test_owner_is_seen_to_own_the_tables(postgres_ledger_url: str) -> None:
    rights = read_rights(Database(postgres_ledger_url))
    assert rights is not None
    assert "superuser" in rights.powers
    assert {"task_keys", "task_events", "nightshift_ledger_version"} <= set(rights.owns)
    assert "DELETE" in rights.may["task_keys"]


def test_file_has_no_roles(sqlite_ledger_url: str) -> None:
    assert read_rights(Database(sqlite_ledger_url)) is None
