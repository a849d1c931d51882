"""Users of a PostgreSQL server who are asked for their password; everybody else is trusted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg2

from nightshift.drill.servers import DatabaseServer

TRUSTED = ("local all all trust", "host all all 127.0.0.1/32 trust")
PATIENCE = 60.0


@contextmanager
def role_with_password(server: DatabaseServer, name: str, password: str) -> Iterator[None]:
    """Make a role that, unlike all others, is asked for its password."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW hba_file")
        (file,) = cursor.fetchone()
        cursor.execute(f'CREATE ROLE "{name}" LOGIN PASSWORD %s', (password,))
        asked = (f"host all {name} 127.0.0.1/32 scram-sha-256", *TRUSTED)
        cursor.execute(f"COPY (SELECT unnest(%s)) TO '{file}'", (list(asked),))
        cursor.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + PATIENCE
    while _lets_in(server, name) and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield
    finally:
        server.execute(f'DROP ROLE "{name}"')


def _lets_in(server: DatabaseServer, name: str) -> bool:
    with suppress(psycopg2.OperationalError):
        psycopg2.connect(host="127.0.0.1", port=server.port, user=name, dbname="postgres").close()
        return True
    return False
