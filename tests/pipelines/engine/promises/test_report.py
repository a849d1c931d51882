"""How good warnings were: counted from what became of each night."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.promises.report import Outcome, accuracy, brier, by_promise, reliability

DUE = 10_000.0


def outcome(warned=None, said=0.1, finished=DUE - 60, promise="flights/finish_by", name="2026-11-19"):
    missed = finished is None or finished > DUE
    return Outcome(promise, name, warned, said if warned is not None else None, DUE, finished, missed)


outcomes = st.lists(
    st.builds(
        outcome,
        warned=st.one_of(st.none(), st.floats(0, 2 * DUE)),
        said=st.one_of(st.none(), st.floats(0, 1)),
        finished=st.one_of(st.none(), st.floats(0, 2 * DUE)),
        promise=st.sampled_from(["a/finish_by", "b/finish_by"]),
    )
)


def test_counts_and_rates():
    found = accuracy(
        [
            outcome(),
            outcome(warned=DUE - 3600, said=0.2, finished=DUE + 60),
            outcome(warned=DUE - 1200, said=0.1, finished=None),
            outcome(warned=DUE - 600, said=0.2),
            outcome(finished=DUE + 1),
        ]
    )
    assert (found.nights, found.warned, found.right, found.false_alarms) == (5, 3, 2, 1)
    assert (found.misses, found.not_foreseen) == (3, 1)
    assert found.precision == found.recall == pytest.approx(2 / 3)
    assert found.lead_seconds == 2400
    assert found.brier == pytest.approx((0.04 + 0.01 + 0.64) / 3)


def test_warning_after_the_deadline_foresees_nothing():
    found = accuracy([outcome(warned=DUE, finished=DUE + 60)])
    assert (found.warned, found.not_foreseen, found.recall) == (0, 1, 0.0)
    assert found.precision is None


def test_nothing_is_said_about_nothing():
    found = accuracy([])
    assert found.nights == 0
    assert (found.precision, found.recall, found.lead_seconds, found.brier) == (None, None, None, None)


def test_warning_without_a_probability_counts_but_is_not_scored():
    found = accuracy([outcome(warned=1.0, said=None, finished=None)])
    assert (found.right, found.brier) == (1, None)


@given(outcomes)
def test_every_night_is_counted_once(nights):
    found = accuracy(nights)
    assert found.right + found.false_alarms == found.warned <= found.nights
    assert found.right + found.not_foreseen == found.misses <= found.nights
    assert found.lead_seconds is None or found.lead_seconds > 0
    parts = by_promise(nights)
    assert list(parts) == sorted({night.promise_id for night in nights})
    assert sum(part.warned for part in parts.values()) == found.warned


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_bins_hold_everything_that_was_said(said):
    bins = reliability(said)
    assert sum(group.count for group in bins) == len(said)
    assert all(0 <= group.came <= 1 for group in bins)
    assert [group.said for group in bins] == sorted(group.said for group in bins)
    assert 0 <= brier(said) <= 1


def test_sure_and_right_scores_zero_and_sure_and_wrong_scores_one():
    assert brier([(1.0, True), (0.0, False)]) == 0
    assert brier([(0.0, True), (1.0, False)]) == 1
