"""What a key's work cost is kept beside its result, on both databases, and is never taken for a part of it."""

import pytest

from pipelines.engine.errors import UsageError
from pipelines.engine.telemetry.cost import Cost

COST = Cost(1.25, 1000, 2000, 3000)


def test_cost_is_kept_with_the_key_and_not_with_what_came_out(ledger, key):
    claim = ledger.claim(key, holder="a")
    ledger.finish(claim, {"rows": 1}, COST)
    entry = ledger.entry(key.digest)
    assert (entry.result, entry.cost) == ({"rows": 1}, COST)
    assert ledger.claim(key, holder="b").result == {"rows": 1}
    assert [event.detail for event in ledger.history(key.digest)][-1] == {"rows": 1}


def test_key_of_before_there_were_costs_has_none(ledger, key):
    ledger.finish(ledger.claim(key, holder="a"), {"rows": 1})
    assert ledger.entry(key.digest).cost is None


def test_finishing_twice_keeps_the_first_cost(ledger, key):
    claim = ledger.claim(key, holder="a")
    ledger.finish(claim, {"rows": 1}, COST)
    ledger.finish(claim, {"rows": 1}, Cost(9.0))
    assert ledger.entry(key.digest).cost == COST


def test_result_cannot_pretend_to_be_a_cost(ledger, key):
    with pytest.raises(UsageError, match="_cost"):
        ledger.finish(ledger.claim(key, holder="a"), {"_cost": {"cpu_seconds": 0}})
