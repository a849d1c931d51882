"""MLflow's server with logins, on PostgreSQL with passwords and an object store: who may, who may not, what is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from model_registry import (
    LoginsUnreadable,
    NoSuchModel,
    NotLoggedIn,
    Registry,
    RegistryRefused,
    RegistryUnavailable,
    settle_logins,
)
from tests.model_registry.conftest import log, write_package
from tests.support.mlflow import mlflow_serves
from tests.support.mlflow_logins import PIPELINES, write_config, write_credentials
from tests.support.roles import role_with_password

DATABASE_PASSWORD = "password-of-the-database"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def databases(folder, postgres):
    """URLs without a password; it is in a file."""
    with role_with_password(postgres, "mlflow", DATABASE_PASSWORD):
        for name in ("mlflow", "mlflow_auth"):
            postgres.create(name=name)
            postgres.execute(f"ALTER DATABASE {name} OWNER TO mlflow")
        passwords = folder / "mlflow.pgpass"
        passwords.write_text("".join(f"*:*:{name}:mlflow:{DATABASE_PASSWORD}\n" for name in ("mlflow", "mlflow_auth")))
        passwords.chmod(0o600)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGPASSFILE", str(passwords))
            yield {name: f"postgresql://mlflow@127.0.0.1:{postgres.port}/{name}" for name in ("mlflow", "mlflow_auth")}
        for name in ("mlflow", "mlflow_auth"):
            postgres.drop(name)


@pytest.fixture(scope="module")
def settled(folder, databases):
    """What came of the logins the first time."""
    return settle_logins(
        write_config(folder / "auth.ini", databases["mlflow_auth"]), write_credentials(folder / "login")
    )


@pytest.fixture(scope="module")
def served(folder, databases, settled, store):
    store.create_bucket("mlflow")
    environment = {
        **store.environment(),
        "MLFLOW_S3_ENDPOINT_URL": store.url,
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "signs-the-form-that-adds-a-user",
    }
    options = ["--app-name", "basic-auth", "--backend-store-uri", databases["mlflow"]]
    with mlflow_serves([*options, "--artifacts-destination", "s3://mlflow/artifacts"], folder, environment) as (url, _):
        yield url


def asks_as(monkeypatch, home: Path, password: str = PIPELINES, name: str = "nightshift") -> None:
    """Let MLflow's client find a login where people keep it."""
    write_credentials(home / ".mlflow/credentials", password, name)
    monkeypatch.setenv("HOME", str(home))


def test_logins_are_made_once_and_a_new_password_replaces_the_old_one(settled, databases, tmp_path):
    config, credentials = write_config(tmp_path / "auth.ini", databases["mlflow_auth"]), tmp_path / "login"
    assert [(login.name, login.came_of_it) for login in settled] == [("admin", "made"), ("nightshift", "made")]
    again = settle_logins(config, write_credentials(credentials))
    assert [login.came_of_it for login in again] == ["kept", "kept"]
    other = settle_logins(config, write_credentials(credentials, "another-password-now"))
    assert [login.came_of_it for login in other] == ["kept", "changed"]
    assert settle_logins(config, write_credentials(credentials))[1].came_of_it == "changed"


def test_pipelines_train_register_promote_and_fetch_with_their_login(served, monkeypatch, tmp_path):
    asks_as(monkeypatch, tmp_path / "home")
    registry = Registry(served)
    run = log(registry, "one", write_package(tmp_path / "package"), tmp_path / "any.png")
    version = registry.register_once("tides", key="one", run_id=run.run_id, description="", tags={})
    assert registry.promote("tides", to=version.version, expected=None, key="p", actor="test", reason="first").changed
    assert registry.resolve("tides", "champion") == version
    assert (registry.fetch(version, tmp_path / "cache") / "profile.json").exists()


def test_login_of_a_file_is_read_anew_for_each_request_and_is_in_no_environment(
    served, databases, monkeypatch, tmp_path
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "x")  # what is set in its place is gone when the test is
    monkeypatch.delenv("MLFLOW_TRACKING_AUTH")
    config, login = write_config(tmp_path / "auth.ini", databases["mlflow_auth"]), tmp_path / "login"
    write_credentials(login, "the password of today", "rotated")
    settle_logins(config, login)
    registry = Registry(served, credentials=login)
    run = log(registry, "rotated", write_package(tmp_path / "package"), tmp_path / "any.png", experiment="currents")
    version = registry.register_once("currents", key="rotated", run_id=run.run_id, description="", tags={})
    assert (registry.fetch(version, tmp_path / "cache") / "profile.json").exists()
    write_credentials(login, "the password of tomorrow", "rotated")
    with pytest.raises(NotLoggedIn, match="the user 'rotated'") as caught:
        registry.versions("currents")
    assert "the password of" not in str(caught.value)
    settle_logins(config, login)
    assert registry.versions("currents") == [version]
    login.unlink()
    with pytest.raises(RegistryUnavailable, match="The login of MLflow cannot be read"):
        registry.versions("currents")
    assert not [name for name, value in os.environ.items() if "the password of" in value]


@pytest.mark.parametrize("login", ["none", "wrong"])
def test_without_the_right_login_it_is_tried_again_and_said_without_the_password(served, monkeypatch, tmp_path, login):
    monkeypatch.setenv("HOME", str(tmp_path))
    if login == "wrong":
        asks_as(monkeypatch, tmp_path, "a-wrong-password")
    with pytest.raises(NotLoggedIn) as caught:
        Registry(served).resolve("tides", "champion")
    assert caught.value.retryable  # it may be in the middle of being changed
    assert ("the user 'nightshift'" if login == "wrong" else "no name came along") in str(caught.value)
    assert "NIGHTSHIFT_TRACKING_CREDENTIALS" in str(caught.value)
    assert "a-wrong-password" not in str(caught.value)


def test_a_password_in_the_address_is_not_said_either(served, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(NotLoggedIn, match="the user 'night'") as caught:
        Registry(served.replace("http://", "http://night:a-wrong-password@")).resolve("tides", "champion")
    assert "a-wrong-password" not in str(caught.value)


def test_who_may_only_read_moves_nothing(served, databases, monkeypatch, tmp_path):
    asks_as(monkeypatch, tmp_path / "home")
    registry = Registry(served)
    run = log(registry, "theirs", write_package(tmp_path / "package"), tmp_path / "any.png")
    registry.register_once("waves", key="theirs", run_id=run.run_id, description="", tags={})
    reader = write_credentials(tmp_path / "reader", "password-of-a-reader", "reader")
    settle_logins(write_config(tmp_path / "auth.ini", databases["mlflow_auth"]), reader)
    asks_as(monkeypatch, tmp_path / "other-home", "password-of-a-reader", "reader")
    assert [version.version for version in Registry(served).versions("waves")] == ["1"]
    with pytest.raises(RegistryRefused, match=r"does not allow that \(the user 'reader'\).*Permission denied"):
        Registry(served).promote("waves", to="1", expected=None, key="q", actor="test", reason="mine now")


@pytest.mark.parametrize(
    ("config", "credentials", "said"),
    [
        (None, None, "auth.ini cannot be used.\nExpected: `database_uri"),
        ("no section", None, "Got: MissingSectionHeaderError"),
        ("[mlflow]\ndatabase_uri = sqlite://\nadmin_username = admin\nadmin_password = x%y", None, "Interpolation"),
        (
            "[mlflow]\ndatabase_uri = sqlite://\nadmin_username = admin\nadmin_password = short-secret",
            "[mlflow]",
            "login",
        ),
        (
            "[mlflow]\ndatabase_uri = sqlite://\nadmin_username = admin\nadmin_password = secret",
            None,
            "Got: a shorter one",
        ),
    ],
)
def test_files_that_say_too_little_are_told_without_what_is_in_them(tmp_path, config, credentials, said):
    for name, content in (("auth.ini", config), ("login", credentials)):
        if content is not None:
            (tmp_path / name).write_text(content)
    with pytest.raises(LoginsUnreadable) as caught:
        settle_logins(tmp_path / "auth.ini", tmp_path / "login")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value).replace("nightshift secrets init", "")


def test_pipelines_are_no_administrators(tmp_path):
    config = write_config(tmp_path / "auth.ini", "sqlite://")
    with pytest.raises(LoginsUnreadable, match="both name the user 'admin'"):
        settle_logins(config, write_credentials(tmp_path / "login", name="admin"))


def test_a_database_that_does_not_answer_is_said_at_once(tmp_path):
    config = write_config(tmp_path / "auth.ini", "postgresql://mlflow:a-password@127.0.0.1:1/mlflow_auth")
    with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1:1") as caught:
        settle_logins(config, write_credentials(tmp_path / "login"))
    assert "a-password" not in str(caught.value)


def test_a_model_that_is_not_there_is_not_there_although_the_server_says_forbidden(served, monkeypatch, tmp_path):
    asks_as(monkeypatch, tmp_path, PIPELINES)
    with pytest.raises(NoSuchModel):
        Registry(served).resolve("nobody-made-this", "champion")
