"""PgBouncer in front of a Postgres server, in transaction mode: many clients, few connections."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nightshift.drill.servers import DatabaseServer
from nightshift.drill.servers.database import SUPERUSER
from nightshift.drill.servers.guarded import Guarded, listens, start_on_free_port
from nightshift.drill.servers.proxy import LOOPBACK

SETTINGS = """[databases]
* = host={host} port={server}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 500
unix_socket_dir =
ignore_startup_parameters = extra_float_digits
"""


def find_pooler() -> str | None:
    """Return PgBouncer's program, or None if it is not installed (Debian: `apt-get install pgbouncer`)."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pooler(server: DatabaseServer, folder: Path, connections: int) -> Iterator[int]:
    """Run PgBouncer; give its port.

    Args:
        server: Behind it.
        folder: For its settings.
        connections: To each database.
    """
    program = find_pooler()
    assert program is not None  # noqa: S101 - the caller asked
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "users").write_text(f'"{SUPERUSER}" ""\n')

    def start(port: int) -> Guarded:
        text = SETTINGS.format(host=LOOPBACK, server=server.port, port=port, folder=folder, connections=connections)
        (folder / "pgbouncer.ini").write_text(text)
        process = Guarded(
            "PgBouncer",
            [str(program), str(folder / "pgbouncer.ini")],
            log=folder / "log",
            environment={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            stop_signal="SIGTERM",
            user=_unprivileged(),
        )
        process.wait_until(lambda: listens(port))
        return process

    process, port = start_on_free_port(start)
    try:
        yield port
    finally:
        process.stop()


def _unprivileged() -> Any:
    """It refuses to be root."""
    if os.geteuid() != 0:
        return None
    import pwd

    return pwd.getpwnam("nobody").pw_uid
