"""Real servers for the proxies to stand before."""

from __future__ import annotations

import uuid

import pytest

from nightshift.drill.servers import HttpProxy, ObjectStore


@pytest.fixture(scope="session")
def store():
    """An object store for all tests; each has buckets of its own."""
    with ObjectStore() as store:
        yield store


@pytest.fixture
def bucket(store):
    """The name of an empty bucket."""
    name = f"nights-{uuid.uuid4().hex}"
    store.create_bucket(name)
    return name


@pytest.fixture
def proxy(store):
    """A proxy in front of the object store."""
    with HttpProxy(store.address) as proxy:
        yield proxy
