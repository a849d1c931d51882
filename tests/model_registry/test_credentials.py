"""A login that is kept in a file, at a real MLflow server that asks everybody for a password."""

from __future__ import annotations

import os

import pytest

from model_registry import NotLoggedIn, Registry, RegistryRefused, RegistryUnavailable
from model_registry.credentials import read_login
from model_registry.users import change_own_password, ensure_user
from tests.support.mlflow import mlflow_server

ADMIN, FIRST, SECOND = "a first password of admin", "a first % password", "a second: password"


def write_login(path, password):
    path.write_text(f"[mlflow]\nmlflow_tracking_username = nightshift\nmlflow_tracking_password = {password}\n")
    return path


@pytest.fixture
def login(tmp_path):
    return write_login(tmp_path / "mlflow_credentials", FIRST)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """What is set in it for MLflow is gone when the test is."""
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "x")
    monkeypatch.delenv("MLFLOW_TRACKING_AUTH")


@pytest.fixture
def server(database, tmp_path):
    logins = tmp_path / "mlflow_auth.ini"
    logins.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{tmp_path}/users.db\n"
        f"admin_username = admin\nadmin_password = {ADMIN}\n"
    )
    with mlflow_server(database, tmp_path, logins=logins) as (url, _):
        yield url


def test_login_of_a_file_lets_us_in_and_a_changed_one_does_at_once(server, login, train, tmp_path):
    assert ensure_user(server, ("admin", ADMIN), "nightshift", FIRST)
    with pytest.raises((RegistryRefused, RegistryUnavailable)):
        Registry(server).versions("flights")
    registry = Registry(server, credentials=login)
    run = train("secret", registry=registry)
    version = registry.register_once("flights", key="secret", run_id=run.run_id, description="", tags={})
    registry.promote("flights", to=version.version, expected=None, key="p", actor="test", reason="first")
    registry.fetch(version, tmp_path / "cache")

    assert not ensure_user(server, ("admin", ADMIN), "nightshift", SECOND)
    with pytest.raises(NotLoggedIn, match="refused the login") as caught:
        registry.versions("flights")
    assert FIRST not in str(caught.value)
    write_login(login, SECOND)
    assert registry.resolve("flights", "champion").version == version.version

    login.unlink()
    with pytest.raises(RegistryUnavailable, match="The login of MLflow cannot be read"):
        registry.versions("flights")
    assert not [name for name, value in os.environ.items() if FIRST in value or SECOND in value]

    change_own_password(server, ("admin", ADMIN), SECOND)
    with pytest.raises(RegistryRefused, match="does not let its administrator in"):
        ensure_user(server, ("admin", ADMIN), "nightshift", FIRST)
    assert not ensure_user(server, ("admin", SECOND), "nightshift", FIRST)


@pytest.mark.parametrize("text", ["", "[mlflow]\n", "[other]\na = b\n", f"no ini: {FIRST}", f"[mlflow\n{FIRST}"])
def test_file_that_is_no_login_is_told_without_what_is_in_it(login, text):
    login.write_text(text)
    with pytest.raises(RegistryRefused, match=r"is no login of MLflow; expected the section \[mlflow\]") as caught:
        read_login(login)
    assert FIRST not in str(caught.value)
    with pytest.raises(RegistryRefused, match="is no login of MLflow"):
        Registry("http://127.0.0.1:9", credentials=login).versions("flights")


def test_missing_file_is_told_before_anybody_is_asked(tmp_path):
    with pytest.raises(RegistryUnavailable, match=r"The login of MLflow cannot be read: .*No such file"):
        Registry("http://127.0.0.1:9", credentials=tmp_path / "none").versions("flights")


def test_server_that_is_down_is_told_while_users_are_made():
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        ensure_user("http://127.0.0.1:9", ("admin", ADMIN), "nightshift", FIRST)
