"""`nightshift search` and `train`, as a user meets them, on the small pipeline."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from nightshift.cli import cli
from pipelines.engine import catalog
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import _suites, fresh, fresh_home

__all__ = ["_suites", "fresh", "fresh_home"]


@pytest.fixture
def nightshift(fresh, monkeypatch):
    declared = {"tides": tides.searched(trials=2), "plain": tides.declare()}
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(fresh.home))
    monkeypatch.setattr(catalog, "load_pipeline", declared.__getitem__)

    def invoke(*words, code=0):
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == code, result.output
        return result

    return invoke


def test_search_shows_its_trials_and_train_answers_from_them(nightshift):
    shown = nightshift("search", "tides", "--as-of", tides.AS_OF)
    assert "trial 0: complete" in shown.stderr
    assert "is the best: roc_auc" in shown.stdout
    found = json.loads(nightshift("search", "tides", "--as-of", tides.AS_OF, "--json").stdout)
    assert [trial["number"] for trial in found["trials"]] == [0, 1]
    trained = nightshift("train", "tides", "--as-of", tides.AS_OF).stdout
    assert f"Trial {found['number']} of the search was the best: {found['params']}" in trained
    assert json.loads(nightshift("train", "tides", "--as-of", tides.AS_OF, "--json").stdout)["keys_claimed"] == 0


def test_search_of_a_pipeline_without_one_says_what_to_do(nightshift):
    told = nightshift("search", "plain", "--as-of", tides.AS_OF, code=2)
    assert "pipeline 'tides' declares no search, so there are no trials. Give it search=Search(" in told.output
