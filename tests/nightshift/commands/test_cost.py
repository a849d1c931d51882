"""`nightshift cost`: what nights, trainings and models cost."""

from __future__ import annotations

import json

import pytest

from tests.nightshift.commands.houses import GOOD, TWICE, enter
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import _suites, fresh

__all__ = ["_suites", "fresh"]


def test_costs_of_nights_add_up_to_those_of_models_and_of_all(nightshift):
    answer = json.loads(nightshift("cost", "tides", "--cpu-hour", "36", "--json").stdout)
    scored = {one["night"]: one["spent"] for one in answer["nights"] if one["kind"] == "scoring"}
    assert scored.keys() == set(tides.NIGHTS[:2])  # the third was refused: nothing of it was done
    assert all(0 < spent["cpu_seconds"] < 100 and spent["bytes_read"] > 1000 for spent in scored.values())
    assert scored[TWICE]["keys"] > scored[GOOD]["keys"]
    total = answer["total"]
    for parts in (answer["nights"], answer["models"]):
        assert sum(one["spent"]["cpu_seconds"] for one in parts) == pytest.approx(total["cpu_seconds"], abs=0.01)
        assert sum(one["spent"]["bytes_written"] for one in parts) == total["bytes_written"]
    assert answer["price"] == pytest.approx(total["cpu_seconds"] / 100)
    versions = {one["model_version"]: one["nights"] for one in answer["models"]}
    assert versions == {"1": 0, "2": 2, "3": 0, None: 0}  # the trainings shared their checks


def test_trainings_are_costs_of_their_own(nightshift):
    answer = json.loads(nightshift("cost", "--nights", tides.AS_OF, "--json").stdout)
    trained = [one for one in answer["nights"] if one["kind"] == "training"]
    assert [one["model_version"] for one in trained] == [None, "1", "2", "3"]
    assert all(one["spent"]["cpu_seconds"] > 0 for one in trained)
    assert answer["price"] is None
    shown = nightshift("cost", "--nights", tides.AS_OF).stdout
    assert "training" in shown
    assert "price" not in shown


def test_costs_are_told_with_what_they_are(nightshift):
    shown = nightshift("cost", "--cpu-hour", "0.04").stdout
    assert "By model" in shown
    assert "at 0.04 for an hour of one CPU" in shown
    assert "What was done for it cost" in nightshift("night", GOOD).stdout


def test_before_the_first_night_it_says_what_to_do(fresh, monkeypatch):
    nightshift = enter(fresh, monkeypatch)
    assert "nightshift score tides NIGHT" in nightshift("cost", "tides", code=2).stderr
    assert "Nothing was done" in nightshift("cost", "--nights", "2024-03-01").stdout


def test_pipeline_that_is_not_there_is_answered_with_the_nearest(nightshift):
    assert "Did you mean 'tides'?" in nightshift("cost", "tide", "--nights", GOOD, code=2).stderr
