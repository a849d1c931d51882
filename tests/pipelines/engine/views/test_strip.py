"""How a night stands, from how its keys do."""

from __future__ import annotations

import pytest

from pipelines.engine.views.strip import Due, Publication, Touch, cell, cells, state_of

PUBLISHED = Publication(100.0, 10, 9, 1, "3", 7)


def test_night_that_is_worked_on_is_running_whatever_failed_before():
    touches = [Touch("validate", "failed", 5.0, error="no"), Touch("validate", "claimed", 4.0, held=True)]
    assert state_of(touches, published=True) == ("running", None)


def test_last_failure_counts_until_something_came_after_it():
    failed = Touch("validate", "failed", 5.0, error="the rows are wrong")
    assert state_of([Touch("validate", "done", 4.0), failed], published=False) == ("failed", "the rows are wrong")
    assert state_of([Touch("validate", "done", 6.0), failed], published=False) == ("unfinished", None)


def test_failure_after_the_publication_is_shown_though_readers_have_the_night():
    assert state_of([Touch("publish", "done", 4.0), Touch("validate", "failed", 5.0)], published=True)[0] == "failed"


def test_failed_monitoring_takes_nothing_from_a_published_night():
    touches = [Touch("publish", "done", 4.0), Touch("monitor", "failed", 5.0, error="MLflow is down")]
    assert state_of(touches, published=True) == ("published", "MLflow is down")


def test_lease_that_ran_out_is_unfinished():
    assert state_of([Touch("score", "claimed", 5.0)], published=False)[0] == "unfinished"


@pytest.mark.parametrize(
    ("due", "state", "margin"),
    [
        (None, "published", None),
        (Due(160.0, 100.0, late=False), "published", 60.0),
        (Due(40.0, 100.0, late=True), "late", -60.0),
    ],
)
def test_published_night_is_late_only_after_its_promise(due, state, margin):
    shown = cell("2026-11-20", [], PUBLISHED, due)
    assert (shown.state, shown.margin_seconds) == (state, margin)
    assert shown.quarantine_share == pytest.approx(0.1)


def test_night_without_a_key_between_others_is_absent():
    shown = cells(["2026-11-19", "2026-11-20"], {}, {"2026-11-20": PUBLISHED}, {})
    assert [night.state for night in shown] == ["absent", "published"]
