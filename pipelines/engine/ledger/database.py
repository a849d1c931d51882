"""Connections to the ledger's database, and its troubles in words."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import Connection, Engine, Table, create_engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool, QueuePool

from model_registry.addresses import hidden
from pipelines.engine.errors import LedgerError, LedgerNotMigrated, LedgerUnavailable, UsageError
from pipelines.engine.ledger.connections import KEPT, keep_for_a_moment
from pipelines.engine.ledger.schema import database_now

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite
    from tenacity import RetryCallState, Retrying

log = logging.getLogger(__name__)
Result = TypeVar("Result")
SQLITE_PATIENCE_MS = 20_000

POSTGRES_PATIENCE_MS = 10_000
"""How long a transaction may stand still, or wait for one that does. A worker that is stopped between a statement and its
commit would keep everybody from its key for as long as it stands, whatever its lease says."""

POSTGRES_LINE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds; the others are seconds
}
"""A server that vanishes without a word (a failover, a firewall) is believed gone after half a minute, not two hours.
The names are libpq's, https://www.postgresql.org/docs/current/libpq-connect.html."""


LOCKED_OUT = ("password authentication failed", "no password supplied")
"""What PostgreSQL and libpq say when a password is wrong or missing: worth another try, since it may be just changing."""


def connect(url: str, *, stall: float | None = None) -> Engine:
    """Return an engine for a ledger URL; nothing is opened yet.

    Args:
        url: Of the ledger.
        stall: For how many seconds one attempt may wait for a connection or a lock, where that is less than usual. Such an
            engine keeps no connection: a server that stands still is found by connecting only.

    Raises:
        UsageError: The URL is not one, or its database is neither SQLite nor Postgres.
    """
    parsed = _parse(url)
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise UsageError(
            f"the ledger cannot live in {backend!r}; expected sqlite:///FILE or postgresql://USER@HOST/NAME"
        )
    if backend == "postgresql" and parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg2")
    line = POSTGRES_LINE if stall is None else {**POSTGRES_LINE, **_short(stall)}
    postgres = {"connect_args": line} if backend == "postgresql" else {}
    try:
        if stall is None:
            engine = create_engine(parsed, poolclass=QueuePool, pool_size=KEPT, max_overflow=-1, **postgres)
        else:
            engine = create_engine(parsed, poolclass=NullPool, **postgres)
    except ArgumentError:
        raise UsageError(
            f"the ledger URL names the driver {parsed.drivername!r}, which is not installed; "
            "expected sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from None
    if stall is None:
        keep_for_a_moment(engine)
    if backend == "sqlite":
        _prepare_sqlite(engine, SQLITE_PATIENCE_MS if stall is None else round(stall * 1000))
    else:
        _prepare_postgres(engine, POSTGRES_PATIENCE_MS if stall is None else round(stall * 1000))
    return engine


def _short(stall: float) -> dict[str, int]:
    seconds = max(2, round(stall))  # libpq takes 1 for 2
    return {"connect_timeout": seconds, "tcp_user_timeout": seconds * 1000}


def _parse(url: str) -> URL:
    """Read a URL. What is wrong with it is never shown: a password may be what is wrong."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError(
            "the ledger URL (NIGHTSHIFT_LEDGER_URL) is not a URL; expected sqlite:///FILE or postgresql://..."
        ) from None
    if "@" in (parsed.host or ""):
        raise UsageError(
            "the ledger URL (NIGHTSHIFT_LEDGER_URL) has more than one @ before its database. "
            "In a password, write @ as %40, or leave the password out and use PGPASSFILE."
        )
    return parsed


def _prepare_sqlite(engine: Engine, patience_ms: int) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        # The driver must not begin transactions by itself: a read that turns into a write later fails at once
        # when another process wrote meanwhile, whatever the busy timeout is. Each transaction begins as a writer.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {patience_ms}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare_postgres(engine: Engine, patience_ms: int) -> None:
    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # For this transaction alone: a connection pooler between us and the server may not know a session's settings.
        connection.exec_driver_sql(
            f"SET LOCAL idle_in_transaction_session_timeout = {patience_ms}; SET LOCAL lock_timeout = {patience_ms}"
        )


def shown(url: URL) -> str:
    """Return a URL that may be shown: without its password, and without parameters, of which some are secret."""
    return url.set(query={}).render_as_string(hide_password=True)


def retrying(patience: float) -> Retrying:
    """Return a loop that tries again for `patience` seconds while the database does not answer."""
    # Here, because it brings an event loop and a web framework with it, and hardly anything is ever tried again.
    from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

    return Retrying(
        retry=retry_if_exception_type(LedgerUnavailable),
        stop=stop_after_delay(patience),
        wait=wait_exponential_jitter(initial=0.1, max=2.0),
        before_sleep=_say_that_it_waits,
        reraise=True,
    )


def _say_that_it_waits(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("the ledger does not answer, trying again (%s): %s", state.attempt_number, error)


class Database:
    """The ledger's database, for whoever keeps something in it.

    Args:
        url: SQLAlchemy URL, `sqlite:///FILE` or `postgresql://...`.
        patience: For how many seconds an operation tries again while the database does not answer.
        stall: For how many seconds one attempt may wait for a connection or a lock, where that is less than usual.

    Raises:
        UsageError: The URL cannot be a ledger's.
    """

    def __init__(self, url: str, *, patience: float = 20.0, stall: float | None = None) -> None:
        self.engine = connect(url, stall=stall)
        weakref.finalize(self, self.engine.dispose)  # whoever is done with it leaves no connection behind
        self._patience = patience

    @property
    def where(self) -> str:
        """The URL, without its password."""
        return shown(self.engine.url)

    def do(self, work: Callable[[Connection], Result]) -> Result:
        """Do work in one transaction; do it again while the database does not answer.

        Raises:
            LedgerUnavailable: The database did not answer for as long as the patience lasted.
            LedgerNotMigrated: The tables are not there.
        """
        began = time.monotonic()
        try:
            return self.do_once(work)
        except LedgerUnavailable as error:
            left = self._patience - (time.monotonic() - began)
            if left <= 0:
                raise
            log.warning("the ledger does not answer, trying again: %s", error)
        answer: Result = retrying(left)(self.do_once, work)
        return answer

    def do_once(self, work: Callable[[Connection], Result]) -> Result:
        """Do work in one transaction, or say at once why not."""
        with transaction(self.engine) as connection:
            return work(connection)

    def rest(self) -> None:
        """Close connections that nobody uses now: nothing will be asked for a while."""
        self.engine.dispose()

    def now(self) -> float:
        """Return the time in seconds since 1970, by the database's clock."""
        return cast("float", self.do(lambda connection: connection.scalar(select(database_now()))))


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Open a connection and a transaction; commit at the end, roll back on an exception.

    Raises:
        LedgerUnavailable: The server does not answer, or broke off.
        LedgerNotMigrated: The tables are not there.
    """
    missing = _missing_file(engine.url)
    if missing:
        raise _not_migrated(engine.url, f"there is no file {missing}")
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise _in_words(error, engine.url) from error


def insert_into(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT. Only the dialect of the database at hand is imported."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def _missing_file(url: URL) -> Path | None:
    """SQLite would make an empty database of a wrong path; say that it is missing instead."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    path = Path(url.database)
    return None if path.exists() else path


def _in_words(error: DBAPIError, url: URL) -> LedgerError:
    said = hidden(str(error.orig), url.render_as_string(hide_password=False)).strip() if error.orig else ""
    text = said.splitlines()[0] if said else type(error).__name__
    if "no such table" in text or (isinstance(error, ProgrammingError) and "does not exist" in text):
        return _not_migrated(url, text)
    if any(sign in said for sign in LOCKED_OUT):
        return LedgerUnavailable(
            f"the ledger at {shown(url)} does not let {url.username} in: {' '.join(said.split())}\n"
            "The password is in the file that PGPASSFILE names (of mode 0600, or libpq ignores it), in PGPASSWORD or in the "
            "URL. If it is being changed, the next try finds the new one; otherwise see: nightshift secrets check"
        )
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return LedgerUnavailable(
            f"the ledger at {shown(url)} does not answer: {text}\n"
            "Nothing was lost: start the database (or mend NIGHTSHIFT_LEDGER_URL) and run this again."
        )
    return LedgerError(f"the ledger at {shown(url)} refused: {text}")


def _not_migrated(url: URL, why: str) -> LedgerNotMigrated:
    return LedgerNotMigrated(
        f"the ledger at {shown(url)} has no tables of this version: {why}\nRun `nightshift migrate` once."
    )
