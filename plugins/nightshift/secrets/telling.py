"""A rotation that the server hears of at once, and what is to be done after one that nobody was told of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightshift.secrets.files import BY_NAME, CLIENT, ROLES_SQL, verifiers_in
from nightshift.secrets.folder import read_texts, rewrite, rotate
from nightshift.secrets.planning import rotated_files
from nightshift.secrets.scram import SALT_BYTES, verifier
from nightshift.secrets.values import ROLES, Dice
from pipelines.engine.errors import UsageError

if TYPE_CHECKING:
    from psycopg2.extensions import connection

ADMIN = "admin"
SUPERUSER = "postgres"
DATABASE = (SUPERUSER, *ROLES)
MLFLOW = ("mlflow_client", "mlflow_admin")
COMPOSE = "docker compose -f docker/compose.yaml"


def rotate_and_tell(folder: Path, name: str, dice: Dice, server: str) -> tuple[str, ...]:
    """Rotate a secret that a server keeps, and let the server know; return the files that were written.

    The server is asked before anything is written: if it does not answer, nothing has changed.

    Args:
        folder: Of the files.
        name: Of the secret: a role of Postgres, or a login of MLflow.
        dice: Source of randomness.
        server: `postgresql://postgres@HOST/postgres`, or MLflow's `http://HOST:PORT`.

    Raises:
        UsageError: No server keeps this secret, or it does not do what it is asked.
        RegistryUnavailable, RegistryRefused: MLflow does not.
    """
    if name in DATABASE:
        return _through_postgres(folder, name, dice, server)
    if name not in MLFLOW:
        raise UsageError(
            f"no server is told of {name}: whoever uses it reads its file at the start. Leave --tell out; "
            "what to restart is said then."
        )
    if name == "mlflow_client":
        written = rotate(folder, name, dice)
        tell_mlflow(folder, server)
        return written
    return _as_administrator(folder, dice, server)


def tell_mlflow(folder: Path, server: str) -> bool:
    """Let the MLflow server know our user and its password; return whether the user is new.

    Raises:
        UsageError: The administrator's or the user's file is not there.
        RegistryUnavailable, RegistryRefused: The server does not let us.
    """
    from model_registry.users import ensure_user

    texts = read_texts(folder)
    admin = _value(folder, texts, "mlflow_auth.ini", "mlflow_admin")
    user = _value(folder, texts, "mlflow_credentials", "mlflow_client")
    return ensure_user(server, (ADMIN, admin), CLIENT, user)


def next_step(name: str) -> str:
    """Say what makes a new value of a secret the one that is used, where nobody told the server."""
    if name in ROLES:
        return f"Now let Postgres know: {COMPOSE} exec -T postgres psql -U postgres -f /run/secrets/{ROLES_SQL}"
    if name == "mlflow_client":
        return "Now let MLflow know: nightshift secrets mlflow http://HOST:5000"
    return _NEXT[name]


_NEXT = {
    SUPERUSER: "Now let Postgres know: ALTER ROLE postgres PASSWORD ..., or do it in one go with --tell.",
    "mlflow_admin": "MLflow wants to hear the old password with the new one: give --tell http://HOST:5000 from the start.",
    "redis": f"Now restart Redis and then all that talk to it: {COMPOSE} restart redis airflow-scheduler airflow-worker",
    "fernet_key": "Now restart Airflow's processes, and encrypt anew what is kept: airflow rotate-fernet-key",
    "api_secret_key": "Now restart Airflow's API servers and workers together.",
    "jwt_secret": "Now restart Airflow's processes together, while no task runs: tokens of the old key are refused.",
    "object_store": "Now restart the object store and the MLflow server; tasks read the new key when they ask next.",
    "mlflow_secret_key": "Now restart the MLflow server: who is logged in there logs in again.",
    "grafana": "Now let Grafana know: grafana cli admin reset-admin-password, in its container.",
    **{
        f"login_{login}": f"Now let Airflow know: airflow users reset-password --username {login}"
        for login in ("admin", "operator", "author", "viewer")
    },
}


def _through_postgres(folder: Path, name: str, dice: Dice, server: str) -> tuple[str, ...]:
    import psycopg2

    try:
        with _superuser(folder, server) as asked:
            written = rotate(folder, name, dice)
            texts = read_texts(folder)
            if name == SUPERUSER:
                password = _value(folder, texts, "postgres_password", SUPERUSER)
                known = {SUPERUSER: verifier(password, dice(SALT_BYTES))}
            else:
                known = {name: verifiers_in(texts[ROLES_SQL])[name]}
            for role, text in known.items():
                with asked.cursor() as cursor:
                    cursor.execute(f"ALTER ROLE {role} PASSWORD %s", (text,))
            return written
    except psycopg2.Error as error:
        said = str(error).strip().splitlines()[0]
        raise UsageError(f"Postgres does not do what it is asked: {said}\n{next_step(ROLES[0])}") from None


@contextmanager
def _superuser(folder: Path, server: str) -> Iterator[connection]:
    import psycopg2
    from sqlalchemy.engine import make_url

    url = make_url(server)
    password = url.password or read_texts(folder).get("postgres_password")
    said: dict[str, Any] = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    opened = psycopg2.connect(password=password, connect_timeout=5, **{key: said[key] for key in said if said[key]})
    opened.autocommit = True
    with closing(opened):
        yield opened


def _as_administrator(folder: Path, dice: Dice, server: str) -> tuple[str, ...]:
    """Change the administrator's password: MLflow wants to hear the old one, so it hears of the new one first."""
    from model_registry.users import change_own_password

    old = read_texts(folder)
    [(name, text)] = rotated_files(old, "mlflow_admin", dice).items()
    new = BY_NAME[name].read(text)["mlflow_admin"]
    change_own_password(server, (ADMIN, _value(folder, old, name, "mlflow_admin")), new)
    return rewrite(folder, {name: text})


def _value(folder: Path, texts: dict[str, str], file: str, name: str) -> str:
    if file not in texts:
        raise UsageError(f"{folder / file} is missing. Run: nightshift secrets init")
    try:
        return BY_NAME[file].read(texts[file])[name]
    except (ValueError, LookupError):
        raise UsageError(f"{folder / file} cannot be read. See: nightshift secrets check") from None
