"""Storage on a real object store: through a proxy that can break, and past it."""

from __future__ import annotations

import pytest

from pipelines.engine.storage import Storage, clients
from tests.pipelines.engine.storage.stores import at_server


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Let clients give up soon; how often they try is not what is tested here."""
    monkeypatch.setattr(clients, "TRIES", 2)
    monkeypatch.setattr(clients, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(clients, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(clients, "GOOGLE_SECONDS", 2.0)


@pytest.fixture
def storage(proxy, tmp_path):
    """Storage by way of the proxy."""
    return Storage(tmp_path / "cache", at_server(proxy.url))


@pytest.fixture
def folder(storage, bucket):
    """A folder by way of the proxy."""
    return storage.at(f"s3://{bucket}/rows of a night")


@pytest.fixture
def past(store, bucket, tmp_path):
    """The same folder as somebody else sees it, past the proxy and with copies of their own."""
    return Storage(tmp_path / "elsewhere", at_server(store.url)).at(f"s3://{bucket}/rows of a night")
