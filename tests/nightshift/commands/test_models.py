"""`nightshift models`, `rollback` and `promote`."""

from __future__ import annotations

import json

import pytest

from tests.nightshift.commands.houses import GOOD, enter
from tests.pipelines.engine.steps.places import _suites, champion, fresh, run_night, run_training

__all__ = ["_suites", "fresh"]


def test_models_tell_who_is_champion_and_why(nightshift):
    shown = nightshift("models", "tides").stdout
    assert "Version 2 is champion since" in shown
    assert "Version 1 was champion before; to go back to it: nightshift rollback tides" in shown
    assert "Version 3 is a challenger" in shown
    assert "Version 3 (challenger): the gate refused it" in shown
    assert "roc_auc" in shown
    line = nightshift("models").stdout.splitlines()[2].split()
    assert line[:2] == ["tides", "2"]


def test_before_the_first_training_models_say_how_to_train(fresh, monkeypatch):
    nightshift = enter(fresh, monkeypatch)
    assert "nightshift train tides --as-of NIGHT" in nightshift("models").stdout
    assert "nightshift train tides --as-of NIGHT" in nightshift("models", "tides").stdout


def test_rollback_moves_the_champion_and_the_next_night_is_scored_by_it(home, nightshift):
    shown = nightshift("rollback", "tides", "--reason", "scores are off", "--by", "ada", "--yes").stdout
    assert "Version 1 is champion of tides now, in the place of version 2" in shown
    assert champion(home) == "1"
    [move, *_] = json.loads(nightshift("models", "tides", "--json").stdout)["moves"]
    assert (move["action"], move["moved_from"], move["moved_to"]) == ("roll back", "2", "1")
    assert (move["actor"], move["reason"]) == ("ada", "scores are off")
    assert run_night(home, GOOD).published["model_version"] == "1"


def test_nothing_is_moved_unless_somebody_says_yes(home, nightshift):
    result = nightshift("rollback", "tides", "--reason", "a try", code=2)
    assert "version 1 becomes champion in the place of version 2" in result.stderr
    assert "--yes" in result.stderr
    assert champion(home) == "2"


def test_first_champion_has_nothing_to_go_back_to(fresh, monkeypatch):
    run_training(fresh)
    nightshift = enter(fresh, monkeypatch)
    assert "nothing to roll back to" in nightshift("rollback", "tides", "--reason", "a try", "--yes", code=2).stderr


def test_without_a_champion_rollback_says_how_to_get_one(fresh, monkeypatch):
    nightshift = enter(fresh, monkeypatch)
    assert "has no champion" in nightshift("rollback", "tides", "--reason", "a try", "--yes", code=1).stderr


def test_refused_version_needs_to_be_wanted_despite_the_gate(home, nightshift):
    words = ("promote", "tides", "3", "--reason", "a storm", "--yes")
    assert "--despite-gate" in nightshift(*words, code=1).stderr
    assert champion(home) == "2"
    moved = json.loads(nightshift(*words, "--despite-gate", "--json").stdout)
    assert (moved["version"], moved["replaced"]) == ("3", "2")
    assert champion(home) == "3"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("promote", "tides", "9", "--reason", "a try", "--yes"), "there are: 3, 2, 1"),
        (("promote", "tides", "2", "--reason", "a try", "--yes"), "is the champion of tides already"),
        (("promote", "tydes", "2", "--reason", "a try", "--yes"), "Did you mean 'tides'?"),
        (("rollback", "tides", "--yes"), "--reason"),
        (("rollback", "tides", "--reason", "  ", "--yes"), "a reason is needed"),
    ],
)
def test_moves_that_cannot_be_are_refused_in_words(nightshift, words, said):
    assert said in nightshift(*words, code=2).stderr
