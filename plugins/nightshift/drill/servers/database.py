"""A throwaway PostgreSQL server: in a folder of its own, gone in the end, and restarted or killed on demand."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import psutil

from nightshift.drill.servers.errors import NotInstalled, ServerFailed
from nightshift.drill.servers.guarded import Guarded, start_on_free_port
from nightshift.drill.servers.proxy import LOOPBACK, Address

SUPERUSER = "nightshift"
NOT_INSTALLED = "PostgreSQL's server is not installed; run `apt-get install postgresql`"
DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian puts the server's programs, in a folder per version and on nobody's path."""
ROOMY_BYTES = 1 << 30
GONE_SECONDS = 30.0

# An immediate stop kills PostgreSQL but not the kernel, so what was written need not reach a disk. It must be written,
# though, before a commit is answered, or a restart would lose what clients were told to be there.
SETTINGS = ("fsync=off", "synchronous_commit=on", "full_page_writes=off")

Shutdown = Literal["fast", "immediate"]
SIGNALS: dict[Shutdown, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class DatabaseServer:
    """A server whose databases anybody on this machine may use as `SUPERUSER`, without a password.

    `with DatabaseServer() as server: url = server.url(server.create())`. It never runs as root: root's server runs as
    the user `postgres`, or `nobody`. It keeps its port as long as it lives.

    Args:
        durable: Whether it lies on a disk and waits for it at each commit, as a real one does; for measurements.

    Raises:
        NotInstalled: PostgreSQL's server is not.
        ServerFailed: It does not start.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        self._numbers = count(1)
        self._process: Guarded | None = None
        self._folder: Path | None = None
        self.port = 0

    @property
    def address(self) -> Address:
        """Host and port, for a proxy."""
        return LOOPBACK, self.port

    def url(self, database: str, *, port: int | None = None) -> str:
        """Return the SQLAlchemy URL of one of its databases.

        Args:
            database: Its name.
            port: Of a proxy in front, if clients shall go through one.
        """
        return f"postgresql://{SUPERUSER}@{LOOPBACK}:{port or self.port}/{database}"

    def create(self, template: str = "template0", name: str | None = None) -> str:
        """Create a database as a copy of another one, which nobody may be connected to; return its name."""
        name = name or f"database_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        # A sequence is logged some values ahead, and its copy believes that it still is: without a checkpoint in between,
        # a crash would take the copy's sequence back to where it was copied.
        self.execute("CHECKPOINT")
        return name

    def drop(self, name: str) -> None:
        """Throw a database away, whoever is still connected to it."""
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run a statement of the whole server, outside any transaction."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def connect(self, database: str = "postgres") -> Any:
        """Open a connection in which each statement is its own transaction."""
        return _connect(self.port, database)

    def stop(self, mode: Shutdown = "fast") -> None:
        """Stop it: `fast` rolls back and says goodbye; `immediate` ends as a crash does."""
        self._running().end(SIGNALS[mode])

    def kill(self) -> None:
        """Kill it as nobody can prepare for; what it had answered is there after `start`."""
        process = self._running()
        helpers = psutil.Process(process.pid).children(recursive=True)
        process.end(signal.SIGKILL)
        for helper in helpers:  # they would notice, after a second or two, and hold the data folder until then
            with suppress(psutil.NoSuchProcess):
                helper.kill()
        _, left = psutil.wait_procs(helpers, timeout=GONE_SECONDS)
        if left:
            raise ServerFailed(f"{len(left)} processes of the drill's PostgreSQL live on {GONE_SECONDS:.0f} s after it")

    def start(self) -> None:
        """Start it again after `stop` or `kill`, with its data and on its port; return when it answers."""
        self._process = self._serve(self.port)

    def restart(self, mode: Shutdown = "immediate", *, down_seconds: float = 0.0) -> None:
        """Stop it, and start it again; return when it answers."""
        self.stop(mode)
        time.sleep(down_seconds)
        self.start()

    def __enter__(self) -> Self:
        find_binaries()
        # In memory if there is room, not below a caller's folder: that may be closed to the user that the server runs
        # as, or too deep for a socket's path.
        self._folder = Path(tempfile.mkdtemp(prefix="nightshift-pg-", dir=None if self._durable else _quick_folder()))
        try:
            self._initialise()
            self._process, self.port = start_on_free_port(self._serve)
        except BaseException:
            self._forget()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and not self._process.ended:
            self._process.stop()
        self._forget()

    def _running(self) -> Guarded:
        if self._process is None or self._process.ended:
            raise ServerFailed("the drill's PostgreSQL is not running; start() it before stopping it again")
        return self._process

    def _initialise(self) -> None:
        options = ("--auth=trust", f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C", "--no-sync")
        self._guarded("initdb", *options, stop_signal="SIGKILL").run()

    def _serve(self, port: int) -> Guarded:
        settings = [word for setting in (() if self._durable else SETTINGS) for word in ("-c", setting)]
        where = ("-h", LOOPBACK, "-p", str(port), "-k", str(self._folder))
        process = self._guarded("postgres", *where, *settings, stop_signal="SIGINT")
        process.wait_until(lambda: _answers(port))
        return process

    def _guarded(self, program: str, *arguments: str, stop_signal: str) -> Guarded:
        assert self._folder is not None  # noqa: S101 - made on entering
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return Guarded(
            f"PostgreSQL ({program})",
            [str(find_binaries() / program), "-D", str(self._folder / "data"), *arguments],
            log=self._folder / "log",
            environment=environment | {"LC_ALL": "C"},
            stop_signal=stop_signal,
            user=_unprivileged(self._folder),
            folder=self._folder,
            disposable=self._folder,
        )

    def _forget(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def find_binaries() -> Path:
    """Return the folder of `postgres` and `initdb`.

    Raises:
        NotInstalled: They are not on this machine.
    """
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    installed = DEBIAN.glob("*/bin")
    found += sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
    usable = [path for path in found if (path / "postgres").exists() and (path / "initdb").exists()]
    if not usable:
        raise NotInstalled(NOT_INSTALLED)
    return usable[0]


def _quick_folder() -> Path | None:
    """Memory, where there is enough of it: each database is some 300 files."""
    memory = Path("/dev/shm")  # noqa: S108
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOMY_BYTES
    return memory if roomy else None


def _unprivileged(folder: Path) -> int | None:
    """Say as whom the server runs, None: as ourselves. It refuses to be root, so root hands the folder to another."""
    if os.geteuid() != 0:
        return None
    import pwd

    user = next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))
    shutil.chown(folder, user.pw_uid, user.pw_gid)
    return user.pw_uid


def _connect(port: int, database: str = "postgres") -> Any:
    import psycopg2

    connection = psycopg2.connect(host=LOOPBACK, port=port, user=SUPERUSER, dbname=database)
    connection.autocommit = True
    return connection


def _answers(port: int) -> bool:
    import psycopg2

    with suppress(psycopg2.OperationalError):
        _connect(port).close()
        return True
    return False
