"""Old incidents go as a whole; open ones, young ones and those that wait to be told stay."""

import time

import pytest

from pipelines.engine.incidents.forgetting import count_old, forget_some
from pipelines.engine.ledger.schema import incident_events, outbox, silences
from tests.pipelines.engine.incidents.nights import verdict

DAY = 86_400.0
NOW = time.time()


@pytest.fixture
def old(shop):
    """A night that was late 40 days ago, one of last week, and one that is late since 40 days."""
    for night, days in (("old", 40), ("young", 7), ("open", 40)):
        at = NOW - days * DAY
        shop.settle(verdict("late", night=night), now=at)
        if night != "open":
            shop.settle(verdict("done", night=night, late_by=60.0), now=at + 60)
    shop.at(NOW - 40 * DAY).silence("flights_scoring", seconds=60, by="ada", reason="x")
    return shop


def forget(shop, days):
    return shop.outbox.do(lambda connection: forget_some(connection, NOW - days * DAY))


def nights(shop):
    return {incident.night for incident in shop.at(NOW).find(resolved=True)}


def test_old_incident_goes_with_its_history_its_messages_and_old_silences(old):
    old.change(state="sent")
    counted = old.outbox.do(lambda connection: count_old(connection, NOW - 30 * DAY))
    assert (counted.number, round(counted.oldest or 0)) == (1, round(NOW - 40 * DAY + 60))
    assert forget(old, 30) == 1
    assert forget(old, 30) == 0
    assert nights(old) == {"young", "open"}
    left = old.outbox.do(
        lambda connection: [connection.execute(table.select()).all() for table in (incident_events, outbox, silences)]
    )
    assert [len(rows) for rows in left] == [3, 6, 0]


def test_incident_whose_message_waits_stays(old):
    assert forget(old, 30) == 0
    assert nights(old) == {"old", "young", "open"}


def test_what_the_judge_may_still_look_at_stays_whatever_the_retention(old):
    old.change(state="sent")
    forget(old, 0)
    assert nights(old) == {"young", "open"}
