from __future__ import annotations

import pytest

from tests.pipelines.engine.incidents.shop import Shop


@pytest.fixture
def shop(ledger_url):
    """Incidents in a fresh database, once on SQLite and once on PostgreSQL."""
    opened = Shop(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def small_shop(sqlite_ledger_url):
    """Incidents in a fresh SQLite file."""
    opened = Shop(sqlite_ledger_url)
    yield opened
    opened.close()
