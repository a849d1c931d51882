"""What the watch sees around it: real disks, real sockets."""

from __future__ import annotations

import dataclasses
import socket

import pytest
from prometheus_client import CollectorRegistry

from nightshift.drill.servers.guarded import free_port
from nightshift.watch.surroundings import Surroundings, folders_of, services_of
from pipelines.engine.settings import read_settings


@pytest.fixture
def settings(tmp_path):
    return dataclasses.replace(
        read_settings({"NIGHTSHIFT_HOME": str(tmp_path)}), data="s3://lake/data", tables=str(tmp_path / "gone")
    )


def seen(settings) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Surroundings(settings))
    return registry


def test_disks_of_this_machine_are_measured_and_a_bucket_is_none(settings):
    assert set(folders_of(settings)) == {"home", "tables", "reports"}
    free = seen(settings).get_sample_value("nightshift_disk_free_ratio", {"folder": "home"})
    assert free is not None
    assert 0 < free < 1
    assert seen(settings).get_sample_value("nightshift_disk_free_ratio", {"folder": "tables"}) is None


def test_service_that_accepts_connections_is_told_from_one_that_does_not(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        registry = seen(
            dataclasses.replace(
                settings,
                ledger_url=f"postgresql+psycopg2://ledger@127.0.0.1:{port}/ledger",
                tracking_uri=f"http://127.0.0.1:{free_port()}",
            )
        )
        assert registry.get_sample_value("nightshift_reachable", {"service": "ledger"}) == 1
        assert registry.get_sample_value("nightshift_reachable", {"service": "mlflow"}) == 0


def test_files_of_a_laptop_are_no_services_and_ports_need_not_be_said(settings):
    assert services_of(settings) == {}
    production = dataclasses.replace(
        settings, ledger_url="postgresql://db.internal/ledger", tracking_uri="https://mlflow.internal"
    )
    assert services_of(production) == {"ledger": ("db.internal", 5432), "mlflow": ("mlflow.internal", 443)}
