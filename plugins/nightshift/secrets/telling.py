"""What makes a new value of a secret the one that is used: Postgres is told, or somebody is told what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightshift.secrets.files import BY_NAME, ROLES_SQL, verifiers_in
from nightshift.secrets.folder import read_texts, rotate
from nightshift.secrets.scram import SALT_BYTES, verifier
from nightshift.secrets.values import LOGINS, ROLES, Dice
from pipelines.engine.errors import UsageError

if TYPE_CHECKING:
    from psycopg2.extensions import connection

SUPERUSER = "postgres"
COMPOSE = "docker compose -f docker/compose.yaml"
_ROLES_AGAIN = (
    f"{COMPOSE} exec -T postgres bash -c "
    f"'PGPASSWORD=$(cat /run/secrets/postgres_password) psql -U postgres -f /run/secrets/{ROLES_SQL}'"
)
_MLFLOW = f"Now let MLflow know: {COMPOSE} run --rm migrate-mlflow"

NEXT = {
    SUPERUSER: "Now let Postgres know, with the password before: ALTER ROLE postgres PASSWORD ...; or next time with --tell.",
    **dict.fromkeys(ROLES, f"Now let Postgres know: {_ROLES_AGAIN}"),
    "redis": f"Now restart Redis, and then all that talk to it: {COMPOSE} restart redis airflow-scheduler airflow-worker",
    "fernet_key": "Now restart Airflow's processes, and encrypt anew what is kept: airflow rotate-fernet-key",
    "api_secret_key": "Now restart Airflow's API server and workers together: who is logged in logs in again.",
    "jwt_secret": "Now restart Airflow's processes together, best while no task runs: tokens of the old key are refused.",
    "object_store": "Now restart the object store and the MLflow server; tasks read the new key when they ask next.",
    "mlflow_admin": _MLFLOW,
    "mlflow_client": _MLFLOW,
    "mlflow_secret_key": "Now restart the MLflow server: who is logged in there logs in again.",
    "grafana": f"Now let Grafana know: {COMPOSE} exec grafana grafana cli admin reset-admin-password --password-from-stdin",
    **{f"login_{login}": f"Now let Airflow know: {COMPOSE} run --rm migrate" for login in LOGINS},
}
"""By secret."""


def rotate_and_tell(folder: Path, name: str, dice: Dice, server: str) -> tuple[str, ...]:
    """Rotate the password of a role of Postgres, and let the server know at once; return the files that were written.

    The server is asked before anything is written: if it does not answer, nothing has changed.

    Args:
        folder: Of the files.
        name: Of the role.
        dice: Source of randomness.
        server: `postgresql://postgres@HOST:PORT/postgres`; without a password, the one in the folder is used.

    Raises:
        UsageError: It is no role, or the server does not do what it is asked.
    """
    import psycopg2

    if name not in (SUPERUSER, *ROLES):
        raise UsageError(
            f"{name} is no role of Postgres, and nobody else can be told. Leave --tell out: what is to do is said then."
        )
    written: tuple[str, ...] = ()
    try:
        with _superuser(folder, server) as asked, asked.cursor() as cursor:
            written = rotate(folder, name, dice)
            cursor.execute(f"ALTER ROLE {name} PASSWORD %s", (_verifier(folder, name, dice),))
    except psycopg2.Error as error:
        said = str(error).strip().splitlines()[0]
        now = f"The files hold the new password. {NEXT[name]}" if written else "Nothing was changed."
        raise UsageError(f"Postgres does not do what it is asked: {said}\n{now}") from None
    return written


def _verifier(folder: Path, name: str, dice: Dice) -> str:
    texts = read_texts(folder)
    if name != SUPERUSER:
        return verifiers_in(texts[ROLES_SQL])[name]
    return verifier(BY_NAME["postgres_password"].read(texts["postgres_password"])[SUPERUSER], dice(SALT_BYTES))


@contextmanager
def _superuser(folder: Path, server: str) -> Iterator[connection]:
    """Open a connection in which each statement is its own transaction."""
    import psycopg2
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(server)
    except (ArgumentError, ValueError):
        raise UsageError("--tell is no URL; expected postgresql://postgres@HOST:PORT/postgres") from None
    said: dict[str, Any] = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    said["password"] = url.password or read_texts(folder).get("postgres_password")
    opened = psycopg2.connect(connect_timeout=5, **{key: value for key, value in said.items() if value})
    opened.autocommit = True
    with closing(opened):
        yield opened
