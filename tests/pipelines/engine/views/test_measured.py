"""The ledger is measured alike on SQLite and Postgres."""

import pytest

from pipelines.engine.keys import TaskKey
from pipelines.engine.telemetry.cost import Cost
from pipelines.engine.views.measured import Measured


@pytest.fixture
def measured(ledger, ledger_url):
    """A ledger with two published nights, a score of three and a training."""

    def done(step, partition, result, cost=None, **inputs):
        key = TaskKey(pipeline="flights", step=step, partition=partition, inputs=inputs)
        claim = ledger.claim(key, holder="a")
        ledger.finish(claim, result, cost)

    done("score", "2013-11-01#0", {"model_version": "1"}, Cost(1.0, 10, 20, 30))
    done("score", "2013-11-02#10", {"model_version": "1"}, Cost(2.0))
    done("publish", "2013-11-01", {"model_version": "1"})
    done("publish", "2013-11-02", {"model_version": "1"})
    done("score", "2013-11-03#0", {"model_version": "2"}, Cost(elsewhere="spark"))
    done("register", "2013-11-01", {"version": "2"}, Cost(4.0), trained="abc")
    ledger.claim(TaskKey(pipeline="flights", step="publish", partition="2013-11-03"), holder="a")
    return Measured(ledger_url)


def test_keys_are_counted_by_how_they_stand(measured):
    assert measured.key_counts() == {
        ("flights", "score", "done"): 3,
        ("flights", "publish", "done"): 2,
        ("flights", "publish", "claimed"): 1,
        ("flights", "register", "done"): 1,
    }


def test_newest_published_night_is_one_that_is_published(measured):
    assert measured.newest_published() == {"flights": "2013-11-02"}


def test_costs_of_some_nights_come_with_their_shards_and_versions(measured):
    found = measured.spent(pipeline="flights", first="2013-11-01", last="2013-11-02")
    told = {(key.step, key.partition): (key.scored_by, key.version, key.trained, key.cost) for key in found}
    assert told == {
        ("score", "2013-11-01#0"): ("1", None, None, Cost(1.0, 10, 20, 30)),
        ("score", "2013-11-02#10"): ("1", None, None, Cost(2.0)),
        ("publish", "2013-11-01"): ("1", None, None, None),
        ("publish", "2013-11-02"): ("1", None, None, None),
        ("register", "2013-11-01"): (None, "2", "abc", Cost(4.0)),
    }
    assert len(found) == len(told)
    assert [key.cost for key in measured.spent(first="2013-11-03", last="2013-11-30")] == [Cost(elsewhere="spark")]
    assert measured.spent(pipeline="weather", first="2013-11-01", last="2013-11-02") == []
