import socket

import pytest

from model_registry import (
    NoSuchModel,
    Registry,
    RegistryRefused,
    RegistryUnavailable,
    StorageFailed,
    TamperedModel,
    mlflow_environment,
)
from tests.support.mlflow import kill, mlflow_server


@pytest.fixture
def server(database, tmp_path):
    with mlflow_server(database, tmp_path) as served:
        yield served


def test_registry_lives_on_a_server_and_its_death_is_told_in_words(server, train, rows, tmp_path):
    url, process = server
    registry = Registry(url.replace("http://", "http://night:secret@"))
    run = train("served", registry=registry)
    assert run.url.startswith(f"{url}/#/experiments/")
    version = registry.register_once("flights", key="served", run_id=run.run_id, description="", tags={})
    assert train("served", registry=registry).reused
    assert registry.register_once("flights", key="served", run_id=run.run_id, description="", tags={}) == version
    registry.promote("flights", to="1", expected=None, key="p", actor="test", reason="first")
    registry.set_metrics(run.run_id, {"late": 0.2})
    assert registry.resolve("flights", "champion").metrics == {"auc": 0.71, "late": 0.2}
    assert (registry.fetch(version, tmp_path / "cache") / "profile.json").exists()
    served = next((tmp_path / "served").rglob("model.json"))
    served.write_text("{}")
    with pytest.raises(TamperedModel, match=r"File: artifacts/package/model\.json"):
        registry.fetch(version, tmp_path / "other-cache")
    with pytest.raises(NoSuchModel):
        registry.resolve("nothing", "champion")
    kill(process)
    with pytest.raises(RegistryUnavailable) as caught:
        registry.resolve("flights", "champion")
    told = str(caught.value)
    assert caught.value.retryable
    assert f"at {url} does not answer" in told
    assert "Connection refused" in told
    assert "secret" not in told


def test_silent_server_is_given_up(monkeypatch):
    """A listener that never answers; the waits are shortened here, their default values are bounded below."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        registry = Registry(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(RegistryUnavailable, match="timed out"):
            registry.versions("flights")


def test_default_waits_stay_below_fifteen_seconds():
    waits = {name: int(value) for name, value in mlflow_environment().items() if name.startswith("MLFLOW_HTTP")}
    tries = 1 + waits["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]
    pause = waits["MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"] + waits["MLFLOW_HTTP_REQUEST_BACKOFF_JITTER"]
    assert tries * waits["MLFLOW_HTTP_REQUEST_TIMEOUT"] + (tries - 1) * pause < 15


def test_file_that_is_no_database_is_told_in_words(tmp_path):
    (tmp_path / "mlflow.db").write_text("not a database, but long enough to look like a page of something" * 20)
    with pytest.raises((RegistryUnavailable, RegistryRefused), match="file is not a database"):
        Registry(f"sqlite:///{tmp_path}/mlflow.db").versions("flights")


def test_folder_that_cannot_be_made_is_told_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="could not be read or written"):
        Registry(f"sqlite:///{tmp_path}/file/mlflow.db").versions("flights")


def test_dead_database_server_is_told_in_words_without_its_password():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RegistryUnavailable) as caught:
        Registry(f"postgresql+psycopg2://night:secret@127.0.0.1:{port}/mlflow").versions("flights")
    assert "secret" not in str(caught.value)
    assert f"127.0.0.1:{port}" in str(caught.value)
