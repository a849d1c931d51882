"""What changed is told once and never left out, also when transactions end in another order than they began."""

import random

import pytest
from sqlalchemy import create_engine

from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import briefs
from pipelines.engine.ledger.briefs import Feed, briefs_of, briefs_of_night
from pipelines.engine.ledger.store import Ledger


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request):
    return Ledger(request.getfixturevalue(f"{request.param}_ledger_url"))


def key(pipeline="tides", step="publish", partition="2026-11-20", **inputs):
    return TaskKey(pipeline=pipeline, step=step, partition=partition, inputs=inputs)


def test_night_that_was_touched_is_told_once(ledger):
    feed = Feed(ledger)
    assert feed.touched() is None  # the first time, all of it is to be read
    assert feed.touched() == set()
    claim = ledger.claim(key(step="score", partition="2026-11-20#3"), holder="a")
    assert feed.touched() == {("tides", "2026-11-20")}
    assert feed.touched() == set()
    ledger.finish(claim, {"rows_in": 1})
    ledger.claim(key(pipeline="rates", partition="2026-11-19"), holder="b")
    assert feed.touched() == {("tides", "2026-11-20"), ("rates", "2026-11-19")}


def test_events_that_are_old_are_not_read_again(ledger, monkeypatch):
    feed = Feed(ledger)
    feed.touched()
    monkeypatch.setattr(briefs, "OVERLAP_SECONDS", -60.0)  # whatever happened is old at once
    ledger.claim(key(), holder="a")
    assert feed.touched() == {("tides", "2026-11-20")}
    assert feed._events() == []
    ledger.claim(key(partition="2026-11-21"), holder="a")
    assert feed.touched() == {("tides", "2026-11-21")}


@pytest.mark.postgres
def test_event_whose_transaction_ended_after_a_later_one_is_told(postgres_ledger_url):
    ledger, feed = Ledger(postgres_ledger_url), Feed(Ledger(postgres_ledger_url))
    feed.touched()
    slow, quick = key(partition="2026-11-19"), key(partition="2026-11-20")
    with create_engine(postgres_ledger_url).connect() as connection, connection.begin():
        from pipelines.engine.ledger.store import _claim

        _claim(connection, slow, "slow", None, 60.0)  # its number is the lower one
        ledger.claim(quick, holder="quick")
        assert feed.touched() == {("tides", "2026-11-20")}
    assert feed.touched() == {("tides", "2026-11-19")}


def test_ledger_whose_events_were_forgotten_is_read_anew(ledger):
    feed = Feed(ledger)
    ledger.claim(key(), holder="a")
    feed.touched()
    feed._after = 10_000
    assert feed.touched() is None


def test_night_in_brief_is_that_night_of_those_pipelines_alone(ledger):
    for pipeline in ("tides", "rates", "waves"):
        for partition in ("2026-11-2", "2026-11-20", "2026-11-20#0", "2026-11-20#11", "2026-11-21"):
            claim = ledger.claim(key(pipeline, "plan", partition), holder="a")
            ledger.finish(claim, {"rows_in": 7, "shards": 2})
    found = briefs_of_night(ledger, ["tides", "rates"], "2026-11-20", claimed_since=0.0)
    night = {"2026-11-20", "2026-11-20#0", "2026-11-20#11"}
    assert {(brief.pipeline, brief.partition) for brief in found} == {(p, n) for p in ("tides", "rates") for n in night}
    assert found[0].result == {"rows_in": 7, "shards": 2}
    assert briefs_of_night(ledger, ["tides"], "2026-11-20", claimed_since=ledger.now() + 60) == []


def test_brief_says_what_its_entry_says(ledger):
    steps = ["validate", "plan", "score", "publish", "monitor", "promote"]
    dice = random.Random(7)  # noqa: S311
    for number, step in enumerate(steps):
        claim = ledger.claim(key(step=step), holder="a")
        if dice.random() < 0.5:
            ledger.finish(claim, {"number": number})
        else:
            ledger.fail(claim, f"Trouble: {step}")
    briefs_found = {brief.step: brief for brief in briefs_of(ledger, "tides", claimed_since=0.0)}
    assert set(briefs_found) == set(steps)
    for entry in ledger.entries(pipeline="tides"):
        brief = briefs_found[entry.step]
        assert (brief.key, brief.partition, brief.state, brief.error) == (
            entry.key,
            entry.partition,
            entry.state,
            entry.error,
        )
        assert (brief.claimed_at, brief.finished_at) == (entry.claimed_at, entry.finished_at)
        assert brief.result == (entry.result if entry.step in briefs.TELLING and entry.state == "done" else None)
