"""What stands in which file. Each file is for one reader, in the form that it wants, and holds what it needs alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from configparser import ConfigParser
from dataclasses import dataclass
from io import StringIO

from nightshift.secrets.scram import SALT_BYTES, VERIFIER, verifier
from nightshift.secrets.values import LOGINS, ROLES, Dice, Values

REGION = "us-east-1"
OBJECT_STORE = "http://object-store:8333"
AUTH_DATABASE = "postgresql://mlflow@postgres:5432/mlflow_auth"
CLIENT = "nightshift"
"""Who we are at the object store and at MLflow."""


@dataclass(frozen=True)
class SecretFile:
    """A file of secrets.

    Attributes:
        name: Of the file.
        holds: Names of the secrets that it is made of.
        reader: Who reads it, in words.
        text: What stands in it.
        read: The secrets that can be had from its text. Raises ValueError, LookupError if it is no such text.
    """

    name: str
    holds: tuple[str, ...]
    reader: str
    text: Callable[[Values, Dice], str]
    read: Callable[[str], dict[str, str]]


def _alone(file: str, name: str, reader: str, before: str = "", after: str = "") -> SecretFile:
    """Return a file that is one secret and no line end, so that `cat` gives the secret itself."""

    def read(text: str) -> dict[str, str]:
        found = re.fullmatch(f"{re.escape(before)}(.*){re.escape(after)}", text.strip())
        if found is None:
            raise ValueError(f"it does not begin with {before!r}")
        return {name: found[1]}

    return SecretFile(file, (name,), reader, lambda values, _: f"{before}{values[name]}{after}", read)


def _passfile(file: str, reader: str, *logins: tuple[str, str]) -> SecretFile:
    """Return a file for PGPASSFILE; libpq reads it whenever it connects."""

    def text(values: Values, _: Dice) -> str:
        return "".join(f"*:*:{database}:{role}:{values[role]}\n" for database, role in logins)

    def read(text: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in filter(None, text.splitlines()):
            _, _, _, role, password = re.split(r"(?<!\\):", line)
            found.setdefault(role, re.sub(r"\\(.)", r"\1", password))
        return {role: found[role] for _, role in logins}

    return SecretFile(file, tuple(dict.fromkeys(role for _, role in logins)), reader, text, read)


def _ini(
    file: str, section: str, reader: str, names: Mapping[str, str], fixed: Mapping[str, str] | None = None
) -> SecretFile:
    """Return an INI file of one section: options that are secrets, and fixed ones before them."""

    def text(values: Values, _: Dice) -> str:
        parser = ConfigParser(interpolation=None)
        parser[section] = {**(fixed or {}), **{option: values[name] for option, name in names.items()}}
        stream = StringIO()
        parser.write(stream)
        return stream.getvalue().rstrip() + "\n"

    def read(text: str) -> dict[str, str]:
        parser = ConfigParser(interpolation=None)
        parser.read_string(text)
        return {name: parser[section][option] for option, name in names.items()}

    return SecretFile(file, tuple(names.values()), reader, text, read)


def _json(
    file: str, reader: str, places: Mapping[str, Sequence[str | int]], write: Callable[[Values], object]
) -> SecretFile:
    """Return a JSON file in which each secret has its place."""

    def read(text: str) -> dict[str, str]:
        try:
            return {name: str(_at(json.loads(text), place)) for name, place in places.items()}
        except TypeError:
            raise ValueError("it is JSON of another form") from None

    return SecretFile(file, tuple(places), reader, lambda values, _: json.dumps(write(values), indent=1) + "\n", read)


def _at(value: object, place: Sequence[str | int]) -> object:
    for step in place:
        value = value[step]  # type: ignore[index]
    return value


def _connections(values: Values) -> object:
    return {
        "aws_default": {
            "conn_type": "aws",
            "login": values["object_store_id"],
            "password": values["object_store"],
            "extra": {"endpoint_url": OBJECT_STORE, "region_name": REGION},
        }
    }


def _identities(values: Values) -> object:
    keys = {"accessKey": values["object_store_id"], "secretKey": values["object_store"]}
    return {
        "identities": [
            {"name": CLIENT, "credentials": [keys], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        ]
    }


def _roles(values: Values, dice: Dice) -> str:
    """Return SQL that makes the roles and sets their passwords, and may be run again at any time."""
    made = "\n".join(
        f"SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec\n"  # noqa: S608
        f"ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS\n"
        f"  PASSWORD '{verifier(values[role], dice(SALT_BYTES))}';"
        for role in ROLES
    )
    return f"-- For psql, as the superuser. These are SCRAM verifiers, and no passwords.\n{made}\n"


def verifiers_in(text: str) -> dict[str, str]:
    """Return the verifiers of `roles.sql` by role."""
    return dict(re.findall(rf"ALTER ROLE (\w+) LOGIN[^;']*PASSWORD '({VERIFIER.pattern.replace('(', '(?:')})';", text))


ROLES_SQL = "roles.sql"
FILES: tuple[SecretFile, ...] = (
    _alone("postgres_password", "postgres", "Postgres, for its superuser"),
    _passfile(
        "airflow.pgpass", "Airflow's processes", ("airflow", "airflow"), ("ledger", "ledger"), ("celery", "celery")
    ),
    _passfile("worker.pgpass", "workers", ("ledger", "ledger"), ("celery", "celery")),
    _passfile("migrate.pgpass", "migrations", ("airflow", "airflow"), ("ledger", "ledger_owner")),
    _passfile("mlflow.pgpass", "the MLflow server", ("mlflow", "mlflow"), ("mlflow_auth", "mlflow")),
    _passfile("watch.pgpass", "the watch", ("ledger", "ledger")),
    SecretFile(ROLES_SQL, ROLES, "psql, as the superuser", _roles, lambda text: {}),
    _alone("redis.conf", "redis", "Redis", before="requirepass "),
    _alone("broker_url", "redis", "Celery", before="redis://:", after="@redis:6379/0"),
    _alone("fernet_key", "fernet_key", "Airflow, for connections in its database"),
    _alone("api_secret_key", "api_secret_key", "Airflow, for sessions and logs of workers"),
    _alone("jwt_secret", "jwt_secret", "Airflow, for tokens of logins and tasks"),
    _json(
        "connections.json",
        "Airflow's LocalFilesystemBackend",
        {"object_store_id": ("aws_default", "login"), "object_store": ("aws_default", "password")},
        _connections,
    ),
    _json(
        "object_store.json",
        "the object store, for who may come in",
        {
            "object_store_id": ("identities", 0, "credentials", 0, "accessKey"),
            "object_store": ("identities", 0, "credentials", 0, "secretKey"),
        },
        _identities,
    ),
    _ini(
        "object_store_credentials",
        "default",
        "the MLflow server, for artifacts",
        {"aws_access_key_id": "object_store_id", "aws_secret_access_key": "object_store"},
    ),
    _ini(
        "mlflow_auth.ini",
        "mlflow",
        "the MLflow server, for its first start",
        {"admin_password": "mlflow_admin"},
        {
            "default_permission": "READ",
            "database_uri": AUTH_DATABASE,
            "admin_username": "admin",
            "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
            "auth_cache_ttl_seconds": "60",  # a password is hashed on purpose slowly, and each request brings it along
        },
    ),
    _alone("mlflow_secret_key", "mlflow_secret_key", "the MLflow server, for sessions"),
    _ini(
        "mlflow_credentials",
        "mlflow",
        "whoever asks MLflow",
        {"mlflow_tracking_password": "mlflow_client"},
        {"mlflow_tracking_username": CLIENT},
    ),
    _json(
        "logins.json",
        "the job that makes Airflow's logins",
        {f"login_{login}": (login,) for login in LOGINS},
        lambda values: {login: values[f"login_{login}"] for login in LOGINS},
    ),
    _alone("grafana_admin_password", "grafana", "Grafana"),
)
"""Every file, in the order in which they are told."""

BY_NAME: Mapping[str, SecretFile] = {file.name: file for file in FILES}
