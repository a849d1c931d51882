"""How promises ended is written once, whoever writes it how often."""

from dataclasses import replace

import pytest

from pipelines.engine.ledger.promise_outcomes import PromiseOutcome, PromiseOutcomes

IN_TIME = PromiseOutcome("tides_scoring/finish_by", "tides_scoring", "2026-11-20", "on_time", 100.0, 90.0)
LATE = replace(IN_TIME, night="2026-11-21", outcome="late", due_at=200.0, finished_at=None)


@pytest.fixture
def outcomes(ledger_url):
    return PromiseOutcomes(ledger_url, patience=5)


def test_night_is_counted_once(outcomes):
    outcomes.record([IN_TIME, LATE])
    outcomes.record([IN_TIME, LATE])
    assert outcomes.counts() == {
        ("tides_scoring/finish_by", "tides_scoring", "on_time"): 1,
        ("tides_scoring/finish_by", "tides_scoring", "late"): 1,
    }


def test_late_night_learns_when_it_was_finished_and_stays_late(outcomes):
    outcomes.record([LATE])
    outcomes.record([replace(LATE, finished_at=260.0)])
    outcomes.record([replace(LATE, outcome="on_time", finished_at=300.0)])
    assert outcomes.since(0.0) == [replace(LATE, finished_at=260.0)]


def test_only_what_was_due_since_then_is_listed(outcomes):
    outcomes.record([IN_TIME, LATE])
    assert outcomes.since(150.0) == [LATE]


def test_nothing_to_record_is_no_error(outcomes):
    outcomes.record([])
    assert outcomes.since(0.0) == []
