"""Intervals hold what they promise, whatever the number of rows, and are the same each time."""

import math

import numpy as np
import pytest

from pipelines.engine import uncertainty
from pipelines.engine.uncertainty import difference_of, intervals_of


def questions(rows, seed):
    chance = np.random.default_rng(seed)
    score = chance.random(rows)
    return (chance.random(rows) < score).astype(np.int64), score


def test_nineteen_of_twenty_intervals_hold_the_truth():
    truth = intervals_of("binary", *questions(200_000, 0))
    middle = sum(truth["roc_auc"]) / 2
    held = [
        low <= middle <= high
        for low, high in (intervals_of("binary", *questions(400, s))["roc_auc"] for s in range(1, 101))
    ]
    assert 88 <= sum(held) <= 100


def test_an_error_of_means_has_the_width_that_theory_says():
    chance = np.random.default_rng(1)
    target = chance.normal(size=4000)
    low, high = intervals_of("regression", target, np.zeros(4000))["mae"]
    width = 2 * 1.96 * np.abs(target).std() / math.sqrt(4000)
    assert high - low == pytest.approx(width, rel=0.25)


def test_many_rows_narrow_it_although_few_are_drawn(monkeypatch):
    rows = questions(40_000, 2)
    whole = intervals_of("binary", *rows, only=("roc_auc",))["roc_auc"]
    monkeypatch.setattr(uncertainty, "MOST_ROWS", 40_000)
    drawn = intervals_of("binary", *rows, only=("roc_auc",))["roc_auc"]
    assert whole[1] - whole[0] == pytest.approx(drawn[1] - drawn[0], rel=0.4)


def test_the_same_rows_give_the_same_interval():
    assert intervals_of("binary", *questions(300, 3)) == intervals_of("binary", *questions(300, 3))


def test_an_interval_does_not_leave_the_values_that_can_be():
    target = np.array([0, 1] * 30)
    low, high = intervals_of("binary", target, 0.9 * target + 0.01)["roc_auc"]
    assert (low, high) == (1.0, 1.0)
    noisy = np.random.default_rng(0).random(60) * 0.6 + target * 0.5
    assert intervals_of("binary", target, noisy / noisy.max())["roc_auc"][1] == 1.0


def test_nothing_is_told_of_what_cannot_be_measured():
    assert intervals_of("binary", np.ones(50, dtype=int), np.full(50, 0.5)) == {}
    assert intervals_of("regression", np.ones(1), np.ones(1)) == {}
    one = (np.ones(50, dtype=int), np.full(50, 0.5))
    assert difference_of("roc_auc", "binary", one, one) is None


def test_a_difference_on_the_same_rows_is_sharper_than_two_intervals():
    target, score = questions(2000, 4)
    chance = np.random.default_rng(9)
    challenger, champion = (np.clip(score + chance.normal(0, noise, 2000), 0, 1) for noise in (0.01, 0.15))
    found = difference_of("roc_auc", "binary", (target, challenger), (target, champion))
    assert found["metric"] == "roc_auc"
    assert 0 < found["low"] < found["value"] < found["high"]
    apart = intervals_of("binary", target, champion, only=("roc_auc",))["roc_auc"]
    assert found["high"] - found["low"] < apart[1] - apart[0]
    same = difference_of("roc_auc", "binary", (target, champion), (target, champion))
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)
