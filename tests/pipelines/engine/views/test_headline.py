from __future__ import annotations

import pytest

from pipelines.engine.views.headline import headline
from pipelines.engine.views.night import Checked, CheckLine, Distribution, NightView, StepTime, TableVersion
from pipelines.engine.views.strip import Cell

NOTHING = Distribution((0.0, 1.0), None, None, None, None, None, None)
SHOWN = TableVersion(3, "2026-11-20T02:03:04Z", None, "1", 986, 0, "ab" * 32, ())
PUBLISHED = {"rows_in": 986, "rows_scored": 980, "rows_quarantined": 6, "model_version": "2"}


def night(state, *, steps=(), versions=(), warnings=(), checked=None, **cell):
    times = tuple(StepTime(step, how, None, None, None, None, 1, None, None) for step, how in steps)
    return NightView(
        "flights",
        "2013-11-01",
        Cell("2013-11-01", state, **cell),
        times,
        (),
        checked,
        None,
        NOTHING,
        tuple(versions),
        tuple(warnings),
        (),
        None,
        None,
        None,
        None,
    )


def test_good_night_says_how_many_rows_and_asks_nothing():
    said = headline(night("published", **PUBLISHED, margin_seconds=2520.0))

    assert said.sentence == (
        "Published 42 min before it was promised: 980 of 986 rows were scored by model version 2, 6 refused."
    )
    assert (said.tone, said.next_step) == ("good", "")


def test_late_night_says_how_late():
    said = headline(night("late", **PUBLISHED, margin_seconds=-720.0))

    assert "Published 12 min late: " in said.sentence
    assert said.tone == "notice"


UNMET = Checked("flights_rows", "warned", 9, 0, 2, (CheckLine("e", None, "warning", "1"),), 0, None, {})


@pytest.mark.parametrize("noticed", [{"warnings": ["odd"]}, {"checked": UNMET}, {"error": "MLflow is down"}])
def test_published_night_with_something_to_look_at_is_no_alarm(noticed):
    said = headline(night("published", **PUBLISHED, **noticed))

    assert said.tone == "notice"
    assert said.next_step


def test_failed_night_names_the_step_what_readers_see_and_the_next_step():
    failed = night("failed", steps=[("validate", "done"), ("score", "failed")], versions=[SHOWN])
    said = headline(failed)

    assert said.sentence == (
        "Failed in score. Readers still see what was published at 2026-11-20T02:03:04Z: 986 rows of model version 1."
    )
    assert "nightshift score flights 2013-11-01" in said.next_step
    assert said.tone == "bad"


def test_night_that_runs_or_stopped_says_where():
    running = headline(night("running", steps=[("validate", "done"), ("plan", "claimed")]))
    stopped = headline(night("unfinished", steps=[("validate", "done"), ("plan", "waiting")]))

    assert (running.tone, running.sentence) == ("waiting", "Being worked on: plan. Nothing of this night is published.")
    assert (stopped.tone, stopped.sentence[:22]) == ("bad", "Stopped after validate")
