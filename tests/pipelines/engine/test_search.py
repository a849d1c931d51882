"""A search that is declared wrongly cannot be imported, and says everything that is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.engine.errors import DeclarationError
from pipelines.engine.search import Choice, FloatRange, IntRange, Search
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import _suites

__all__ = ["_suites"]


def fit(features, target, *, trees=100, rate=0.1, kind="gbdt", depth=None, fast=True):
    raise AssertionError("a declaration fits nothing")


def mistakes_of(search):
    with pytest.raises(DeclarationError) as caught:
        tides.declare(fit=fit, search=search)
    return [line.removeprefix("  - ") for line in str(caught.value).splitlines()[1:]]


def only_mistake_of(space=None, **changes):
    (mistake,) = mistakes_of(Search(space={"trees": IntRange(50, 200)} if space is None else space, folds=1, **changes))
    return mistake


def test_right_search_is_frozen():
    space = {
        "trees": IntRange(50, 200, step=10),
        "rate": FloatRange(0.01, 0.3, log=True),
        "kind": Choice("gbdt", "dart"),
        "depth": Choice(None, 3, 5),
        "fast": Choice(True, False),
    }
    pipeline = tides.declare(fit=fit, search=Search(space=space, folds=2))
    space["trees"] = IntRange(1, 2)
    assert pipeline.search.space["trees"] == IntRange(50, 200, step=10)
    with pytest.raises(TypeError):
        pipeline.search.space["trees"] = IntRange(1, 2)


def test_no_search_is_the_default():
    assert tides.declare().search is None


def test_all_mistakes_are_told_at_once():
    search = Search(space={"tree": IntRange(5, 1), "rate": FloatRange(0.5, 0.1), "kind": 7}, trials=0, folds=3)
    told = mistakes_of(search)
    assert told[0] == "search.trials is 0; expected a whole number from 1 on"
    assert told[1].startswith("search.folds is 3, and the window has 3 nights before the holdout")
    assert told[2] == (
        "search.space has 'tree', which is no knob of fit; it has trees, rate, kind, depth, fast. Did you mean 'trees'?"
    )
    assert "expected low < high" in told[3]
    assert told[-1] == "search.space['kind'] is 7; expected IntRange(...), FloatRange(...) or Choice(...)"


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({"rate": IntRange(1, 9)}, "fit has rate=0.1, a number with a point; expected a whole number as its default"),
        ({"trees": FloatRange(1.0, 200.0)}, "for whole numbers there is IntRange"),
        ({"trees": IntRange(0, 200, log=True)}, "a log range begins above 0, not at 0"),
        (
            {"trees": IntRange(1, 200, step=2, log=True)},
            "the step is 2; expected at least 1, and nothing else with log",
        ),
        ({"trees": IntRange(50, 200, step=30)}, "leaves out fit's trees=100, which is the first trial"),
        ({"trees": IntRange(1, 50)}, "leaves out fit's trees=100, which is the first trial; widen it"),
        ({"trees": IntRange(1.5, 200)}, "expected whole numbers; for others there is FloatRange"),
        ({"rate": FloatRange(0.0, 1.0, log=True)}, "a log range begins above 0, not at 0.0"),
        ({"rate": FloatRange(0.01, float("inf"))}, "expected finite numbers"),
        ({"rate": FloatRange(0.2, 1.0)}, "leaves out fit's rate=0.1"),
        ({"kind": Choice("gbdt")}, "expected two different values or more, each of them once"),
        ({"kind": Choice("gbdt", "dart", "dart")}, "expected two different values or more, each of them once"),
        ({"kind": Choice("dart", "goss")}, "leaves out fit's kind='gbdt', which is the first trial; add it"),
        ({"kind": Choice("gbdt", 3)}, "has 3, a whole number, and fit has kind='gbdt', a text"),
        ({"kind": Choice("gbdt", ["dart"])}, "expected texts, finite numbers, True, False or None"),
        ({"fast": Choice(True, 0)}, "has 0, a whole number, and fit has fast=True, true or false"),
        ({}, "expected at least one knob of fit with its range"),
    ],
)
def test_range_that_does_not_fit_its_knob(space, says):
    assert says in only_mistake_of(space)


@pytest.mark.parametrize("name", ["trials", "folds", "startup", "parallel", "seed"])
@pytest.mark.parametrize("value", [-1, 2.5, "3", True])
def test_number_that_is_none(name, value):
    search = replace(Search(space={"trees": IntRange(50, 200)}, folds=1), **{name: value})
    (mistake,) = mistakes_of(search)
    assert mistake.startswith(f"search.{name} is {value!r}; expected a whole number from")


def test_more_trials_than_airflow_maps():
    assert "expected at most 1000" in only_mistake_of(trials=1001)


def test_something_else_than_a_search():
    assert mistakes_of({"trees": (1, 2)})[0].startswith(
        "search is {'trees': (1, 2)}; expected Search(space={...}, ...)"
    )


def test_number_of_trials_is_no_part_of_what_a_trial_is():
    one = Search(space={"trees": IntRange(50, 200)}, trials=5, parallel=1)
    assert replace(one, trials=50, parallel=8).to_json() == one.to_json()
    assert replace(one, seed=8).to_json() != one.to_json()
