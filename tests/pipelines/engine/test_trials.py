"""The rules of a search: folds, what is tried next, what is given up, what is best."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.errors import FitFailed
from pipelines.engine.search import Choice, FloatRange, IntRange, Search
from pipelines.engine.search_table import write_table
from pipelines.engine.trials import Trial, ask, best_of, folds_of, is_hopeless, knowledge

SEARCH = Search(
    space={"leaves": IntRange(3, 63, log=True), "rate": FloatRange(0.01, 0.5), "kind": Choice("a", "b", None)},
    startup=3,
)
KNOBS = {"leaves": 7, "rate": 0.1, "kind": "a", "other": 1}


@given(folds=st.integers(1, 12), more=st.integers(1, 400))
def test_folds_walk_forward_and_cover_all_nights_but_the_first_part(folds, more):
    nights = folds + more
    cut = folds_of(nights, folds)
    assert len(cut) == folds
    measured = [night for fold in cut for night in range(fold.first, fold.end)]
    assert measured == list(range(cut[0].first, nights)), "disjoint, in the order of time, up to the last night"
    assert cut[0].first >= 1
    lengths = [cut[0].first, *(fold.end - fold.first for fold in cut)]
    assert min(lengths) >= 1
    assert max(lengths) - min(lengths) <= 1


def complete(number, value, params=None, folds=2):
    params = params or {"leaves": 3 + number, "rate": 0.02 * (number + 1), "kind": "b"}
    return Trial(number, "complete", params, value, (value,) * folds)


def in_order(count):
    """Trials one after the other, each valued by its leaves."""
    known = []
    for number in range(count):
        params = ask(SEARCH, KNOBS, "roc_auc", number, known)
        known.append(complete(number, 1 / params["leaves"], params))
    return known


def test_the_first_trial_is_what_fit_declares():
    assert ask(SEARCH, KNOBS, "roc_auc", 0, []) == {"leaves": 7, "rate": 0.1, "kind": "a"}


def test_trials_in_order_are_the_same_each_time():
    assert in_order(9) == in_order(9)
    other = replace(SEARCH, seed=8)
    assert ask(other, KNOBS, "roc_auc", 1, []) != ask(SEARCH, KNOBS, "roc_auc", 1, [])


@given(order=st.permutations(range(6)))
def test_the_order_in_which_trials_are_known_does_not_matter(order):
    known = [complete(number, 0.5 + number / 100) for number in range(6)]
    shuffled = [known[place] for place in order]
    assert ask(SEARCH, KNOBS, "roc_auc", 9, shuffled) == ask(SEARCH, KNOBS, "roc_auc", 9, known)
    assert knowledge(shuffled) == knowledge(known)


def test_trials_at_the_same_time_differ():
    known = [complete(number, 0.5) for number in range(2)]
    asked = [ask(SEARCH, KNOBS, "roc_auc", number, known) for number in (2, 3, 4)]
    assert asked[0] != asked[1] != asked[2]


@given(
    number=st.integers(0, 40),
    values=st.lists(st.floats(0, 1), max_size=8),
    metric=st.sampled_from(["roc_auc", "log_loss"]),
)
def test_what_is_tried_lies_within_the_space(number, values, metric):
    known = [complete(place, value) for place, value in enumerate(values)]
    params = ask(SEARCH, KNOBS, metric, number, known)
    assert type(params["leaves"]) is int
    assert 3 <= params["leaves"] <= 63
    assert 0.01 <= params["rate"] <= 0.5
    assert params["kind"] in ("a", "b", None)


def test_the_sampler_learns_from_what_is_known():
    tried = [trial.params["leaves"] for trial in in_order(16)]
    assert sum(tried[8:]) < sum(tried[:8]), "few leaves are best here"


def running(*intermediate):
    return Trial(9, "complete", {"leaves": 5, "rate": 0.1, "kind": "a"}, None, intermediate)


@pytest.mark.parametrize(
    ("metric", "soso", "bad"), [("roc_auc", 0.72, 0.69), ("log_loss", 0.68, 0.71)], ids=["high", "low"]
)
def test_a_trial_worse_than_the_median_is_given_up(metric, soso, bad):
    known = [complete(number, value) for number, value in enumerate([0.6, 0.7, 0.8])]
    assert is_hopeless(SEARCH, metric, running(bad), known)
    assert not is_hopeless(SEARCH, metric, running(soso), known)
    assert not is_hopeless(replace(SEARCH, prune=False), metric, running(bad), known)


def test_an_easy_first_fold_does_not_save_a_trial():
    known = [Trial(number, "complete", running().params, 0.6, (0.9, 0.6)) for number in range(3)]
    assert is_hopeless(SEARCH, "roc_auc", running(0.95, 0.55), known)


def test_nothing_is_given_up_before_enough_trials_are_complete():
    known = [complete(0, 0.9), complete(1, 0.9), Trial(2, "pruned", complete(2, 0.9).params, None, (0.9,))]
    assert not is_hopeless(SEARCH, "roc_auc", running(0.1), known)
    assert is_hopeless(SEARCH, "roc_auc", running(0.1), [*known, complete(3, 0.9)])


@pytest.mark.parametrize(("metric", "best"), [("roc_auc", 1), ("log_loss", 0)])
def test_the_best_by_the_direction_of_the_metric_and_of_equal_ones_the_first(metric, best):
    pruned = Trial(3, "pruned", {}, None, (1.0,))
    found = [pruned, complete(4, 0.3), complete(2, 0.8), complete(1, 0.8), complete(0, 0.3)]
    assert best_of("tides", metric, found).number == best


def test_if_all_failed_the_first_says_why():
    failed = [Trial(number, "failed", {"leaves": number}, None, (), f"broke {number}") for number in (1, 0)]
    with pytest.raises(FitFailed, match=r"all 2 trials of tides failed.*Trial 0 with {'leaves': 0}: broke 0"):
        best_of("tides", "roc_auc", failed)


def test_a_trial_is_the_same_after_the_ledger():
    trial = Trial(3, "pruned", {"leaves": 5}, None, (0.5,), "")
    assert Trial.from_json(trial.to_json()) == trial


def test_the_page_shows_all_trials_and_lets_no_text_be_markup(tmp_path):
    trials = [complete(0, 0.7), Trial(1, "failed", {"kind": "<b>"}, None, (), "<script>")]
    best = {"metric": "roc_auc", "number": 0, "value": 0.7, "as_of": "2024-03-06"}
    paths = write_table(tmp_path, trials, best)
    page = paths["search.html"].read_text()
    assert '<tr class="best"><td>0</td><td>complete</td><td>0.7</td>' in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
