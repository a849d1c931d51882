"""Who may log in to an MLflow server that asks for it (`mlflow server --app-name basic-auth`).

MLflow keeps names and hashes of passwords in a database of its own, which this opens by itself: the server need not run, and
no administrator's password travels. Told twice, nothing changes; a password that changed in its file is changed there.
"""

import configparser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from model_registry.errors import LoginsUnreadable
from model_registry.mlflow_door import preload, reach_database
from model_registry.translation import translate

if TYPE_CHECKING:
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

_SECTION = "mlflow"
CameOfIt = Literal["made", "changed", "kept"]
SHORTEST = 12
"""Characters of the shortest password; MLflow refuses shorter ones, too."""


@dataclass(frozen=True)
class ServerLogin:
    """A user of MLflow's server, whose password no log can hold."""

    name: str
    password: str = field(repr=False)
    administrator: bool = False


@dataclass(frozen=True)
class SettledLogin:
    """What came of a login.

    Attributes:
        name: The user.
        came_of_it: What was done to it.
    """

    name: str
    came_of_it: CameOfIt


def settle_logins(auth_config: Path, credentials: Path) -> tuple[SettledLogin, ...]:
    """Bring the server's users to what two files say; the tables are made or brought to MLflow's version first.

    Users of other names stay as they are. The pipelines' user is no administrator: it owns what it makes, and may read what
    others made if the server's `default_permission` is READ.

    Args:
        auth_config: the server's own (MLFLOW_AUTH_CONFIG_PATH): its database and administrator.
        credentials: the clients' own (`~/.mlflow/credentials`): name and password of the pipelines.

    Raises:
        LoginsUnreadable: a file is not there, or says too little.
        RegistryUnavailable: the database does not answer.
        RegistryRefused: MLflow refused, such as a database of a newer version.
    """
    database = _value(auth_config, "database_uri")
    wanted = (
        _login(auth_config, "admin_username", "admin_password", administrator=True),
        _login(credentials, "mlflow_tracking_username", "mlflow_tracking_password"),
    )
    if wanted[0].name == wanted[1].name:
        raise LoginsUnreadable(
            f"{auth_config} and {credentials} both name the user {wanted[0].name!r}.\n"
            "Expected: pipelines that are no administrators.\nDo: give the pipelines a user of their own."
        )
    with _users_of(database) as users:
        return tuple(SettledLogin(login.name, _settle(users, login)) for login in wanted)


@contextmanager
def _users_of(database: str) -> Iterator["SqlAlchemyStore"]:
    preload()
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    users = SqlAlchemyStore()
    try:
        reach_database(database)  # once: MLflow itself would try for minutes
        users.init_db(database)  # type: ignore[no-untyped-call]
        yield users
    except Exception as error:
        translated = translate(error, database)
        if translated is None:
            raise
        raise translated from None
    finally:
        if getattr(users, "engine", None) is not None:
            users.engine.dispose()


def _settle(users: "SqlAlchemyStore", login: ServerLogin) -> CameOfIt:
    if not users.has_user(login.name):
        users.create_user(login.name, login.password, is_admin=login.administrator)
        return "made"
    same = users.authenticate_user(login.name, login.password)
    if same and users.get_user(login.name).is_admin == login.administrator:
        return "kept"
    users.update_user(login.name, password=None if same else login.password, is_admin=login.administrator)
    return "changed"


def _login(path: Path, name: str, password: str, *, administrator: bool = False) -> ServerLogin:
    kept = _value(path, password)
    if len(kept) < SHORTEST:
        raise _unreadable(path, f"a `{password}` of {SHORTEST} characters or more", "a shorter one")
    return ServerLogin(_value(path, name), kept, administrator)


def _value(path: Path, option: str) -> str:
    expected = f"`{option} = ...` in its section [{_SECTION}]"
    parser = configparser.ConfigParser()
    try:
        parser.read_string(path.read_text())
        value = parser.get(_SECTION, option, fallback="")
    except (OSError, UnicodeError, configparser.Error) as error:
        raise _unreadable(path, expected, type(error).__name__) from None  # its words may hold the line with a password
    if not value:
        raise _unreadable(path, expected, "nothing")
    return value


def _unreadable(path: Path, expected: str, got: str) -> LoginsUnreadable:
    return LoginsUnreadable(
        f"The file of MLflow's logins {path} cannot be used.\nExpected: {expected}.\nGot: {got}.\n"
        "Do: have one written by `nightshift secrets init`, or mend it. A % in a password is written twice."
    )
