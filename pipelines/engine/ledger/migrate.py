"""Bring a ledger's tables to this version, with Alembic."""

from __future__ import annotations

from pathlib import Path

from pipelines.engine.errors import UsageError
from pipelines.engine.home import private_file, private_folder
from pipelines.engine.ledger.database import connect, retrying, transaction

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(url: str, *, patience: float = 20.0, grants: str | None = None) -> None:
    """Create or upgrade the ledger's tables; does nothing when they are of this version.

    Args:
        url: Of the ledger, for the owner of its tables.
        patience: For how many seconds to try again while the database does not answer.
        grants: SQL that gives others their rights, run in the same transaction: nobody sees a new table without them.

    Raises:
        LedgerUnavailable: The database does not answer.
        LedgerError: It refuses the grants, of which nothing was done then.
        UsageError: The URL cannot be a ledger's, or its file cannot be made.
    """
    from alembic import command
    from alembic.config import Config

    engine = connect(url)
    if engine.url.get_backend_name() == "sqlite" and engine.url.database:
        path = Path(engine.url.database)
        try:
            private_folder(path.parent)
            private_file(path)
        except OSError as error:
            raise UsageError(
                f"the ledger cannot be made at {path}: {error.strerror}. "
                "Set NIGHTSHIFT_HOME (or NIGHTSHIFT_LEDGER_URL) to a place that you may write."
            ) from error

    def upgrade() -> None:
        with transaction(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7214963)")  # two migrations at once: one waits
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if grants and connection.dialect.name == "postgresql":  # SQLite knows no rights
                connection.exec_driver_sql(grants)

    try:
        retrying(patience)(upgrade)
    finally:
        engine.dispose()
