import pytest

from model_registry import NoSuchModel, Registry, RegistryUnavailable, mlflow_environment
from nightshift.drill.servers import Fault, TrackingServer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with TrackingServer(tmp_path_factory.mktemp("tracking") / "mlflow") as server:
        yield server


@pytest.fixture
def registry(server, monkeypatch):
    for name, value in mlflow_environment().items():
        monkeypatch.setenv(name, value)
    return Registry(server.uri)


def test_server_that_is_down_is_unavailable_and_answers_when_it_is_up(server, registry):
    def ask():
        registry.resolve("flights", "champion")

    with pytest.raises(NoSuchModel):
        ask()
    server.down()
    with pytest.raises(RegistryUnavailable):
        ask()
    server.up()
    with pytest.raises(NoSuchModel):
        ask()


def test_single_requests_fail_on_demand(server, registry):
    server.proxy.inject(Fault("unavailable", times=None))
    with pytest.raises(RegistryUnavailable):
        registry.resolve("flights", "champion")
    server.proxy.clear()


def test_server_keeps_everything_in_its_folder(server):
    assert (server.folder / "mlflow.db").exists()
    assert (server.folder / "server.log").exists()
