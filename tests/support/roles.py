"""Users of a PostgreSQL server who are asked for their password; everybody else is trusted."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager

import psycopg2

from nightshift.drill.servers import DatabaseServer

TRUSTED = ("local all all trust", "host all all 127.0.0.1/32 trust")
PATIENCE = 60.0


@contextmanager
def role_with_password(server: DatabaseServer, name: str, password: str) -> Iterator[None]:
    """Make a role that, unlike all others, is asked for its password."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f'CREATE ROLE "{name}" LOGIN PASSWORD %s', (password,))
    ask_for_passwords(server, [name])
    try:
        yield
    finally:
        server.execute(f'DROP ROLE "{name}"')


def ask_for_passwords(server: DatabaseServer, names: Collection[str]) -> None:
    """Let these roles, and no others, be asked for their passwords; return when they are."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW hba_file")
        (file,) = cursor.fetchone()
        asked = (*(f"host all {name} 127.0.0.1/32 scram-sha-256" for name in names), *TRUSTED)
        cursor.execute(f"COPY (SELECT unnest(%s)) TO '{file}'", (list(asked),))
        cursor.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + PATIENCE
    while any(_lets_in(server, name) for name in names) and time.monotonic() < deadline:
        time.sleep(0.02)


def _lets_in(server: DatabaseServer, name: str) -> bool:
    """Whether a role gets in with a wrong password; to be refused for another reason is no answer to that."""
    try:
        psycopg2.connect(host="127.0.0.1", port=server.port, user=name, password="wrong", dbname="postgres").close()
    except psycopg2.OperationalError as error:
        return "authentication" not in str(error) and "password" not in str(error)
    return True
