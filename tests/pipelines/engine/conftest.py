from __future__ import annotations

import pytest
from hypothesis import settings

from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Ledger
from tests.pipelines.engine.ledgers import BOTH, Inside

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("steady")


@pytest.fixture(params=BOTH)
def ledger_url(request):
    """The URL of a fresh ledger, once on SQLite and once on PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_ledger_url")


@pytest.fixture
def ledger(ledger_url):
    """A ledger whose leases outlast any test; `inside` ends them."""
    return Ledger(ledger_url, lease_seconds=3600, patience=5)


@pytest.fixture
def inside(ledger_url):
    """The ledger's tables, past its operations."""
    with Inside(ledger_url) as door:
        yield door


@pytest.fixture
def key():
    return TaskKey(pipeline="flights", step="score", partition="2013-11-01#0", inputs={"rows": "abc"}, code="c0de")
