"""Bring a ledger's tables to this version, or back to an earlier one, with Alembic.

All steps are one transaction: a migration that fails, or is killed, has changed nothing. On Postgres it waits for locks as
long as any other transaction of ours, so a worker that waits behind it is not kept for longer; then it tries again.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, column, func, inspect, select, table

from pipelines.engine.errors import LedgerNotMigrated, UsageError
from pipelines.engine.home import private_file, private_folder
from pipelines.engine.ledger.database import connect, retrying, transaction
from pipelines.engine.ledger.revisions import Way, refuse_loss, way
from pipelines.engine.ledger.schema import REVISION, VERSION_TABLE

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7214963)"


def migrate(
    url: str, *, to: str = REVISION, discard: bool = False, patience: float = 20.0, grants: str | None = None
) -> Way:
    """Create or upgrade the ledger's tables, or take them back; does nothing when they are of that revision.

    Args:
        url: Of the ledger, for the owner of its tables.
        to: The revision; this version's own by default.
        discard: Lose what an earlier revision has no place for.
        patience: For how many seconds it tries again while the database does not answer.
        grants: SQL that gives others their rights on this version's tables, run in the same transaction: nobody sees a new
            table without them.

    Returns:
        What was done.

    Raises:
        LedgerUnavailable: The database does not answer.
        LedgerError: It refuses the grants, of which nothing was done then.
        LedgerNotMigrated: A newer Nightshift made the tables.
        UsageError: The URL cannot be a ledger's, its file cannot be made, there is no such revision, or rows would be lost.
    """
    engine = connect(url)
    _make_file(engine)

    def move() -> Way:
        with transaction(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(ONE_AT_A_TIME)  # two migrations at once: one waits
            found = way(_found(connection), to, known_revisions())
            if found.back and not discard:
                refuse_loss(found, _lost(connection, found))
            _apply(connection, found)
            if grants and to == REVISION and connection.dialect.name == "postgresql":  # SQLite knows no rights
                connection.exec_driver_sql(grants)
            return found

    try:
        moved: Way = retrying(patience)(move)
        return moved
    finally:
        engine.dispose()


def look(url: str, *, to: str = REVISION) -> Way:
    """Say what `migrate` would do, and do nothing.

    Raises:
        LedgerUnavailable, LedgerNotMigrated, UsageError: As `migrate`.
    """
    engine = connect(url)
    try:
        with transaction(engine) as connection:
            found = _found(connection)
    except LedgerNotMigrated:  # there is no file yet
        found = None
    finally:
        engine.dispose()
    return way(found, to, known_revisions())


def written_down(url: str, found: Way) -> str:
    """Return the SQL that a migration would run, for whoever may not let a program change tables."""
    from alembic import command

    config, engine = _config(), connect(url)
    config.output_buffer = io.StringIO()
    config.attributes["dialect"] = engine.dialect.name
    if found.steps:
        change = command.downgrade if found.back else command.upgrade
        change(config, f"{found.found or 'base'}:{found.to}", sql=True)
    return str(config.output_buffer.getvalue())


@cache
def known_revisions() -> tuple[str, ...]:
    """Return every revision of this code, the oldest first."""
    return tuple(script.revision for script in reversed([*_scripts().walk_revisions()]))


def _make_file(engine: Engine) -> None:
    """SQLite makes no folder, and would make a file that everybody may read."""
    if engine.url.get_backend_name() != "sqlite" or not engine.url.database:
        return
    path = Path(engine.url.database)
    try:
        private_folder(path.parent)
        private_file(path)
    except OSError as error:
        raise UsageError(
            f"the ledger cannot be made at {path}: {error.strerror}. "
            "Set NIGHTSHIFT_HOME (or NIGHTSHIFT_LEDGER_URL) to a place that you may write."
        ) from error


def _found(connection: Connection) -> str | None:
    """Return the revision of the tables, or None if there are none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))


def _lost(connection: Connection, found: Way) -> dict[str, int]:
    """Count what going back would take away, by what it is."""
    scripts = _scripts()
    losses: dict[str, str] = {}
    for step in found.steps:
        said: Mapping[str, str] = getattr(scripts.get_revision(step).module, "LOSES", {})
        losses.update(said)
    count = select(func.count())
    return {words: connection.scalar(count.select_from(table(name))) or 0 for name, words in losses.items()}


def _apply(connection: Connection, found: Way) -> None:
    if not found.steps:
        return
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    (command.downgrade if found.back else command.upgrade)(config, found.to)


def _scripts() -> Any:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
