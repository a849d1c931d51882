"""One sentence for models, checks and incidents: the tone fits, and names are named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.engine.views.at_a_glance import of_incidents, of_models, of_suite, of_suites
from pipelines.engine.views.checks import CheckedNight, SuiteView
from pipelines.engine.views.incidents import IncidentsView
from pipelines.engine.views.models import ModelLine

LINE = ModelLine("tides", "?", "2", "1", None, "2024-03-06T00:00:00Z", "2024-03-06", "roc_auc", 0.9, 2)


def night(status: str, name: str = "2024-03-06") -> CheckedNight:
    return CheckedNight(name, status, "2024-03-06T02:00:00Z", 300, 0, 0, None, None, "k")


def suite(*nights: CheckedNight, pipeline: str = "tides") -> SuiteView:
    return SuiteView(pipeline, "tides_rows", nights, ())


@pytest.mark.parametrize(
    ("lines", "tone", "said"),
    [
        ([], "waiting", "There are no pipelines yet."),
        ([replace(LINE, champion=None, versions=0)], "waiting", "No model was trained yet."),
        ([LINE], "good", "Every pipeline that was trained has a champion."),
        ([LINE, replace(LINE, champion=None)], "notice", "1 of 2 pipelines that were trained have a champion."),
    ],
)
def test_models_are_good_when_whatever_was_trained_has_a_champion(lines, tone, said):
    glance = of_models(lines)
    assert (glance.tone, glance.sentence) == (tone, said)


def test_models_that_wait_are_named():
    lines = [replace(LINE, challenger="3"), replace(LINE, pipeline="weather", champion=None, versions=0)]
    assert of_models(lines).lines == (
        "Newer than the champion, and not promoted: tides (version 3).",
        "Not trained yet: weather.",
    )


def test_many_names_are_cut():
    lines = [replace(LINE, pipeline=f"p{number}", versions=0) for number in range(5)]
    assert of_models([LINE, *lines]).lines == ("Not trained yet: p0, p1, p2 and 2 more.",)


@pytest.mark.parametrize(
    ("status", "tone"),
    [("passed", "good"), ("warned", "notice"), ("failed", "bad"), ("unchecked", "bad"), ("unknown", "waiting")],
)
def test_a_suite_is_as_good_as_its_newest_night(status, tone):
    assert of_suite(suite(night("failed", "2024-03-05"), night(status))).tone == tone


def test_earlier_trouble_is_counted():
    glance = of_suite(suite(night("failed", "2024-03-05"), night("passed")))
    assert glance.lines == ("Of the last 2 nights: 1 night stopped by its checks.",)


def test_suites_name_who_was_stopped():
    glance = of_suites([suite(night("failed")), suite(night("passed"), pipeline="flights"), suite(pipeline="new")])
    assert (glance.tone, glance.sentence) == ("bad", "The newest rows of tides were refused as a whole.")
    assert glance.lines == ("The newest rows of 1 pipeline are as they should be.",)


def test_missing_rows_are_not_told_as_refused_ones():
    glance = of_suites([suite(night("unchecked")), suite(night("passed"), pipeline="flights")])
    assert (glance.tone, glance.sentence) == (
        "bad",
        "Of the newest night of tides there was nothing that could be looked at.",
    )
    assert "refused" not in of_suite(suite(night("unchecked"))).sentence


def test_suites_that_warn_are_named_and_those_that_are_looked_at_wait():
    glance = of_suites([suite(night("warned")), suite(night("unknown"), pipeline="flights")])
    assert (glance.tone, glance.lines) == ("notice", ())
    assert "rows of tides are usable" in glance.sentence
    assert of_suites([suite(night("unknown"))]).tone == "waiting"


def test_nothing_open_is_good_and_nothing_checked_is_waiting():
    assert of_incidents(IncidentsView((), (), (), ())).tone == "good"
    assert of_suites([suite()]).tone == "waiting"
