"""Steps on a time axis: nothing outside of it, and the deadline where it can be seen."""

from __future__ import annotations

import pytest

from nightshift.pages.timeline import timeline
from pipelines.engine.views.night import StepTime, Usual

AT = "2026-11-20T02:00:{:02}Z"
BEGINS = 1795140000.0


def step(name, begun=None, seconds=None, state="done", usual=None):
    return StepTime(name, state, AT.format(begun) if begun is not None else None, None, seconds, usual, 1, "k", None)


def test_bars_lie_one_after_another_and_within_the_axis():
    found = timeline([step("validate", 0, 10.0), step("plan", 20, 5.0)], None, BEGINS + 99)
    assert (found.begins, found.ends) == (BEGINS, BEGINS + 25)
    first, second = (row.took for row in found.rows)
    assert first.left == 0
    assert second.left > first.left + first.width
    assert second.left + second.width <= 100


def test_step_that_runs_reaches_until_now():
    found = timeline([step("validate", 0, state="claimed")], None, BEGINS + 40)
    assert found.ends == BEGINS + 40


def test_step_that_waits_is_expected_after_the_one_before_it():
    usual = Usual(10.0, 12.0, 9)
    validate, plan = timeline(
        [step("validate", 0, 10.0), step("plan", state="waiting", usual=usual)], None, BEGINS
    ).rows
    assert plan.took is None
    assert plan.usual.left == pytest.approx(validate.took.width, abs=0.1)


def test_near_deadline_is_drawn_and_a_far_one_is_only_said():
    steps = [step("validate", 0, 10.0)]
    near = timeline(steps, AT.format(30), BEGINS)
    far = timeline(steps, "2026-11-20T06:00:00Z", BEGINS)
    assert 0 < near.deadline <= 100
    assert (far.deadline, far.due_in) == (None, 4 * 3600 - 10)


def test_deadline_before_the_end_is_missed():
    assert timeline([step("validate", 0, 30.0)], AT.format(20), BEGINS).due_in == -10


def test_before_the_first_step_there_is_nothing_to_draw():
    assert timeline([step("validate", state="waiting")], None, BEGINS) is None
