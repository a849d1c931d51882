"""Whatever the judge says, whoever restarts, and whichever reply is lost, the database keeps what the rule in memory decides."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.engine.incidents.past import told_so_far
from pipelines.engine.promises.verdicts import TROUBLES
from tests.pipelines.engine.incidents.nights import DUE, ID, Book, verdict
from tests.pipelines.engine.incidents.shop import Shop

STATES = st.sampled_from(["pending", *TROUBLES, "done"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from([1.0, 600.0, 1800.0, -3000.0]),
        st.lists(st.tuples(STATES, st.sampled_from(["2026-11-19", "2026-11-20"])), max_size=2),
        st.sampled_from(["", "", "", "acknowledge", "silence", "close", "again"]),
    ),
    min_size=3,
    max_size=15,
)
NUMBERS = count()


@pytest.fixture
def fresh_shop(tmp_path, migrated_file):
    """Makes an empty database for each example."""

    def make():
        path = tmp_path / f"{next(NUMBERS)}.db"
        path.write_bytes(migrated_file.read_bytes())
        return Shop(f"sqlite:///{path}")

    return make


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_database_keeps_what_the_rule_decides(fresh_shop, steps):
    shop, book, now = fresh_shop(), Book(), DUE
    for seconds, said, deed in steps:
        now += seconds
        verdicts = [verdict(state, night=night) for state, night in said]
        told = book.settle(*verdicts, now=now)
        changes = shop.settle(*verdicts, now=now)  # opens the database anew, as after a restart
        assert [change.occasion for change in changes if change.occasion] == told
        _do(shop, book, deed, verdicts, now)
        found = {incident.id: incident for incident in shop.at(now).find(resolved=True)}
        assert found == book.incidents
    for which in book.incidents:
        history = shop.at(now).history(which)
        mine = [event for event in book.events if event.incident_id == which]
        assert [event.event for event in history] == [event.event for event in mine]
        assert told_so_far(history).times == told_so_far(mine).times
    for route, mine in (("mail", False), ("boss", True)):
        rows = [(row.incident_id, row.occasion) for row in shop.rows() if row.route == route]
        told = [message[:2] for message in book.messages if message[1].startswith("escalated") == mine]
        assert [row for row in rows if row[1].startswith("escalated") == mine] == told
    shop.close()


def _do(shop, book, deed, verdicts, now):
    """What a person does, to both."""
    is_open = ID in book.incidents and book.incident.state != "resolved"
    if deed == "acknowledge" and is_open and book.incident.acknowledged_at is None:
        book.acknowledge(now=now)
        shop.at(now).acknowledge(ID, by="ada")
    elif deed == "silence":
        book.silence("flights_scoring", until=now + 1000.0)
        shop.at(now).silence("flights_scoring", seconds=1000.0, by="ada", reason="a test")
    elif deed == "close" and is_open:
        book.close(now=now)
        shop.at(now).close(ID, by="ada", reason="given up", context=shop.context)
    elif deed == "again":
        told = book.settle(*verdicts, now=now)
        assert [change.occasion for change in shop.settle(*verdicts, now=now) if change.occasion] == told
