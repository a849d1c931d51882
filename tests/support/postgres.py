"""A private PostgreSQL server for tests: made in a folder of its own, gone when the tests are."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2

SUPERUSER = "nightshift"
NOT_INSTALLED = "PostgreSQL's server is not installed; run `apt-get install postgresql`"
PATIENCE = 60.0


@dataclass(frozen=True)
class Server:
    """A running server; anybody on this machine may log in as `SUPERUSER`, without a password."""

    port: int
    numbers: Iterator[int]

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of one of its databases."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """Create a database as a copy of another one, which nobody may be connected to; return its name."""
        name = f"database_{next(self.numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
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
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user=SUPERUSER, dbname=database)
        connection.autocommit = True
        return connection


@contextmanager
def private_server() -> Iterator[Server]:
    """Start a server on a free port of the loopback interface, and stop it in the end."""
    binaries = find_binaries()
    # Not pytest's own folder: that is closed to the user that the server runs as, and too deep for a socket's path.
    folder = Path(tempfile.mkdtemp(prefix="nightshift-pg-", dir=_quick_folder()))
    identity = _unprivileged(folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}

    def start(*command: str) -> subprocess.Popen[bytes]:
        with (folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment, **identity)

    try:
        _initialise(start, binaries, folder)
        process, port = _serve(start, binaries, folder)
        try:
            yield Server(port, count(1))
        finally:
            process.send_signal(2)  # SIGINT is PostgreSQL's fast shutdown
            process.wait(PATIENCE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """Return the folder of `postgres` and `initdb`.

    Raises:
        RuntimeError: They are not installed.
    """
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
    usable = [path for path in found if (path / "postgres").exists() and (path / "initdb").exists()]
    if not usable:
        raise RuntimeError(NOT_INSTALLED)
    return usable[0]


def _quick_folder() -> Path | None:
    """Memory, where there is enough of it: each database is some 300 files."""
    memory = Path("/dev/shm")  # noqa: S108
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    return memory if roomy else None


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Say as whom the server runs; it refuses to be root, so root hands the folder to somebody else."""
    if os.geteuid() != 0:
        return {}
    import pwd

    user = next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))
    shutil.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _initialise(start: Callable[..., subprocess.Popen[bytes]], binaries: Path, folder: Path) -> None:
    options = ("--auth=trust", f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C", "--no-sync")
    if start(str(binaries / "initdb"), "-D", str(folder / "data"), *options).wait(PATIENCE):
        raise RuntimeError(f"initdb failed:\n{(folder / 'log').read_text()[-2000:]}")


def _serve(
    start: Callable[..., subprocess.Popen[bytes]], binaries: Path, folder: Path
) -> tuple[subprocess.Popen[bytes], int]:
    settings = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
    for _ in range(5):  # somebody else may take the free port before the server does
        port = _free_port()
        where = ("-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder))
        process = start(str(binaries / "postgres"), *where, *settings)
        if _answers(process, port):
            return process, port
    raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()[-2000:]}")


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    server = Server(port, count())
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg2.OperationalError):
            server.connect().close()
            return True
        time.sleep(0.05)
    process.kill()
    process.wait()
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
