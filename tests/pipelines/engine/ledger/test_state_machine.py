"""Whatever several holders do, in any order, the ledger does what its model does."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.pipelines.engine.ledger.machine import LedgerMachine

MANY = settings(
    max_examples=80,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def check_against_model(url):
    from pipelines.engine.ledger import Ledger
    from tests.pipelines.engine.ledger.machine import LEASE
    from tests.pipelines.engine.ledgers import Inside

    with Inside(url) as inside:
        ledger = Ledger(url, lease_seconds=LEASE, patience=5)
        run_state_machine_as_test(lambda: LedgerMachine(ledger, inside), settings=MANY)


def test_ledger_on_sqlite_does_what_its_model_does(sqlite_ledger_url):
    check_against_model(sqlite_ledger_url)


@pytest.mark.postgres
def test_ledger_on_postgres_does_what_its_model_does(postgres_ledger_url):
    check_against_model(postgres_ledger_url)
