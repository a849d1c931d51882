"""Fixtures that more than one package's tests need."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from nightshift.drill.servers import DatabaseServer, HttpProxy, ObjectStore
from tests.support.monitoring import Alertmanager, alertmanager_server
from tests.support.receivers import MailServer, Webhook, mail_server, webhook_server
from tests.support.spark import SparkServer, spark_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[DatabaseServer]:
    """A private PostgreSQL server; without its binaries the tests that need it fail, and say what to install."""
    with DatabaseServer() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_database(postgres: DatabaseServer) -> str:
    """The name of a database with the ledger's tables, to be copied and never used."""
    from pipelines.engine.ledger.migrate import migrate

    name = postgres.create()
    migrate(postgres.url(name))
    return name


@pytest.fixture
def postgres_ledger_url(postgres: DatabaseServer, migrated_database: str) -> Iterator[str]:
    """The URL of a fresh ledger on PostgreSQL."""
    name = postgres.create(template=migrated_database)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory):
    """An SQLite file with the ledger's tables, to be copied and never used."""
    from pipelines.engine.ledger.migrate import migrate

    path = tmp_path_factory.mktemp("migrated") / "ledger.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_ledger_url(tmp_path, migrated_file) -> str:
    """The URL of a fresh ledger on SQLite."""
    path = tmp_path / "ledger.db"
    path.write_bytes(migrated_file.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def store() -> Iterator[ObjectStore]:
    """An object store for all tests; each has buckets of its own."""
    with ObjectStore() as store:
        yield store


@pytest.fixture
def bucket(store: ObjectStore) -> str:
    """The name of an empty bucket."""
    name = f"nights-{uuid.uuid4().hex}"
    store.create_bucket(name)
    return name


@pytest.fixture
def proxy(store: ObjectStore) -> Iterator[HttpProxy]:
    """A proxy in front of the object store."""
    with HttpProxy(store.address) as proxy:
        yield proxy


@pytest.fixture
def mails() -> Iterator[MailServer]:
    """An SMTP server that keeps what it gets."""
    with mail_server() as server:
        yield server


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A webhook that keeps what it gets."""
    with webhook_server() as server:
        yield server


@pytest.fixture
def alertmanager(tmp_path) -> Iterator[Alertmanager]:
    """A real Alertmanager that tells nobody; without its program the test fails, and says what to install."""
    with alertmanager_server(tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkServer]:
    """A real Spark Connect server for all tests."""
    with spark_server() as server:
        yield server
