"""The tables that the migrations make are the ones that the code uses."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from pipelines.engine.errors import LedgerNotMigrated
from pipelines.engine.ledger import Ledger
from pipelines.engine.ledger.database import connect, transaction
from pipelines.engine.ledger.migrate import MIGRATIONS, migrate
from pipelines.engine.ledger.schema import REVISION, VERSION_TABLE, metadata


def test_revision_in_code_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_migrated_tables_are_the_declared_ones(inside):
    context = MigrationContext.configure(inside.connection, opts={"version_table": VERSION_TABLE})
    assert compare_metadata(context, metadata) == []


def test_migrated_ledger_passes_its_check(ledger):
    ledger.check()


def test_migrating_again_keeps_what_is_there(ledger, ledger_url, key):
    ledger.finish(ledger.claim(key, holder="a"), {"rows": 1})
    migrate(ledger_url)
    assert ledger.claim(key, holder="b").result == {"rows": 1}


def test_ledger_of_an_earlier_version_is_upgraded_with_all_that_it_remembers(tmp_path, key):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    (tmp_path / "ledger.db").touch()
    with transaction(connect(url)) as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    ledger = Ledger(url)
    with pytest.raises(LedgerNotMigrated, match="tables of version 0001"):
        ledger.check()
    ledger.finish(ledger.claim(key, holder="a"), {"rows": 1})
    migrate(url)
    ledger.check()
    assert ledger.claim(key, holder="b").result == {"rows": 1}


def test_migration_makes_the_folder_of_an_sqlite_file(tmp_path):
    url = f"sqlite:///{tmp_path / 'new' / 'deep' / 'ledger.db'}"
    migrate(url)
    Ledger(url).check()


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_ledger_without_tables_says_to_migrate(database, request, tmp_path):
    if database == "sqlite":
        (tmp_path / "empty.db").touch()
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server = request.getfixturevalue("postgres")
        url = server.url(server.create())
    ledger = Ledger(url, patience=0.1)
    for operation in (ledger.check, ledger.entries):
        with pytest.raises(LedgerNotMigrated, match="Run `nightshift migrate` once"):
            operation()


def test_tables_of_another_version_are_refused(ledger, inside):
    inside.connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0000'"))
    with pytest.raises(LedgerNotMigrated, match=f"tables of version 0000; this Nightshift expects {REVISION}"):
        ledger.check()
