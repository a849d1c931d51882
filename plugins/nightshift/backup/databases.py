"""Databases, there and back: Postgres by its own tools, SQLite by its own backup. Each copy is of one moment.

Passwords travel as libpq wants them (`PGPASSFILE`, or `PGPASSWORD` where one stands in the URL), never on a command line.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_registry.addresses import hidden
from nightshift.backup.errors import BackupDamaged, StillThere, ToolFailed
from nightshift.backup.plan import Part
from pipelines.engine.errors import UsageError
from pipelines.engine.files import in_words
from pipelines.engine.home import private_file, private_folder

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

DUMP, FILE = "postgres.dump", "sqlite.db"
CLIENTS = "Install PostgreSQL's client programs, of the server's version or a newer one (Debian: postgresql-client)."
LOCKS_SECONDS = 30
TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
EMPTY = f"""
SET LOCAL lock_timeout = '{LOCKS_SECONDS}s';
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
ALTER SCHEMA public OWNER TO pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""


def dump(part: Part, folder: Path) -> Path:
    """Copy a database, as it is at one moment, to a file in a folder, and return the file.

    Raises:
        UsageError: The URL is neither SQLite's nor Postgres'.
        ToolFailed: It cannot be read.
    """
    url = _parse(part)
    if url.get_backend_name() == "sqlite":
        return _copy_sqlite(_file_of(part, url), folder / FILE)
    target = folder / DUMP
    words = ["--format=custom", f"--lock-wait-timeout={LOCKS_SECONDS}s", f"--file={target}"]
    _postgres("pg_dump", url, words, f"the database {part.name} at {part.shown} cannot be copied")
    return target


def missing(part: Part) -> bool:
    """Whether a part is an SQLite database that nobody made yet."""
    if part.kind != "database":
        return False
    url = _parse(part)
    return url.get_backend_name() == "sqlite" and not _file_of(part, url).exists()


def check_dump(name: str, file: Path) -> str | None:
    """Say what is wrong with a dump, or return None."""
    if file.name.endswith(FILE) or _begins_as_sqlite(file):
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
            try:
                found = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
            except sqlite3.DatabaseError as error:
                found = str(error)
        return None if found == "ok" else f"the copy of the database {name} is damaged: {found}"
    done = _run("pg_restore", ["--list", str(file)], {})
    return None if done.returncode == 0 else f"the copy of the database {name} cannot be read: {_first_line(done)}"


def refuse_if_alive(part: Part, *, replace: bool) -> None:
    """Make sure that a database may be restored.

    Raises:
        StillThere: It has tables, and may not be replaced; or somebody is connected to it.
        ToolFailed: It does not answer.
    """
    url = _parse(part)
    if url.get_backend_name() == "sqlite":
        file = _file_of(part, url)
        if not replace and file.exists() and file.stat().st_size:
            raise StillThere(f"there is a database at {file}. {_REPLACE}")
        return
    tables, sessions = _ask(part, url, TABLES), _ask(part, url, SESSIONS)
    if tables and not replace:
        raise StillThere(f"the database {part.name} at {part.shown} has {tables} tables. {_REPLACE}")
    if tables and sessions:
        raise StillThere(
            f"{sessions} sessions are connected to the database {part.name} at {part.shown}; expected none. Stop schedulers, "
            "workers, API servers, MLflow and the watch first: they would go on with a past that is not theirs."
        )


_REPLACE = "Nothing was restored. Restore to another place, or give --replace to lose what is there."


def clock(part: Part) -> float:
    """Return the time in seconds since 1970, by the clock that a database has."""
    url = _parse(part)
    if url.get_backend_name() == "sqlite":
        return time.time()
    return float(_tell(part, url, "SELECT extract(epoch FROM clock_timestamp())"))


def load(part: Part, file: Path) -> None:
    """Put a database back; what was there is gone.

    Raises:
        BackupDamaged: The copy is of the other kind of database.
        ToolFailed: Postgres refuses.
    """
    url = _parse(part)
    if (url.get_backend_name() == "sqlite") != _begins_as_sqlite(file):
        raise BackupDamaged(
            f"the copy of {part.name} is of another kind of database than {part.shown}; name one of its kind"
        )
    if url.get_backend_name() == "sqlite":
        _replace_sqlite(file, _file_of(part, url))
        return
    if _ask(part, url, TABLES):
        _tell(part, url, EMPTY)
    what = f"the database {part.name} at {part.shown} cannot be restored"
    _postgres("pg_restore", url, ["--exit-on-error", "--single-transaction", str(file)], what)


def _parse(part: Part) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(part.address)
    except (ArgumentError, ValueError):
        raise UsageError(f"the address of the database {part.name} is not a URL; expected {_EXPECTED}") from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(
            f"{part.name} lives in {url.get_backend_name()!r}, which cannot be copied; expected {_EXPECTED}"
        )
    return url.set(drivername="postgresql") if url.get_backend_name() == "postgresql" else url


_EXPECTED = "sqlite:///FILE or postgresql://USER@HOST/NAME"


def _file_of(part: Part, url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise UsageError(f"the database {part.name} has no file; expected sqlite:///FILE")
    return Path(url.database)


def _copy_sqlite(source: Path, target: Path) -> Path:
    if not source.exists():
        raise UsageError(f"there is no database at {source}. Check NIGHTSHIFT_HOME and the addresses.")
    private_file(target)
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=LOCKS_SECONDS)) as here,
            closing(sqlite3.connect(target)) as there,
        ):
            here.backup(there)
    except sqlite3.Error as error:
        raise ToolFailed(f"the database at {source} cannot be copied: {error}") from error
    return target


def _replace_sqlite(file: Path, target: Path) -> None:
    try:
        private_folder(target.parent)
        draft = private_file(target.with_name(f".{target.name}.{os.getpid()}.part"))
        shutil.copyfile(file, draft)
        for beside in ("-wal", "-shm"):  # of what was there: SQLite would read them into the copy
            Path(f"{target}{beside}").unlink(missing_ok=True)
        draft.replace(target)
    except OSError as error:
        raise in_words(error, target) from error


def _begins_as_sqlite(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(15) == b"SQLite format 3"


def _ask(part: Part, url: URL, query: str) -> int:
    return int(_tell(part, url, query) or 0)


def _tell(part: Part, url: URL, statement: str) -> Any:
    import psycopg2

    try:
        with (
            closing(psycopg2.connect(url.render_as_string(hide_password=False))) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    except psycopg2.Error as error:
        said = hidden(str(error), part.address).strip().splitlines()
        raise ToolFailed(f"the database {part.name} at {part.shown} refuses: {said[0] if said else error!r}") from error


def _postgres(program: str, url: URL, words: list[str], what: str) -> None:
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    place = url.set(password=None).render_as_string()
    done = _run(program, ["--no-password", f"--dbname={place}", *words], password)
    if done.returncode:
        said = hidden(_first_line(done), url.render_as_string(hide_password=False))
        hint = " Make the roles first (roles.sql of `nightshift secrets init`)." if "role" in said else ""
        hint = f" {CLIENTS}" if "version mismatch" in done.stderr else hint
        raise ToolFailed(f"{what}: {said}.{hint}")


def _run(program: str, words: list[str], more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    found = shutil.which(program)
    if found is None:
        raise ToolFailed(f"{program} is not installed. {CLIENTS}")
    environment = {**os.environ, **more, "LC_ALL": "C"}
    return subprocess.run([found, *words], env=environment, capture_output=True, text=True, check=False)  # noqa: S603


def _first_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line.lower()]
    return (errors or lines or [f"exit code {done.returncode}"])[0]
