"""A number and a class are learned, judged, scored and published as a yes or no is."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from pipelines.engine.errors import DataError, FitFailed, ModelError
from pipelines.engine.package import read_form, read_profile
from pipelines.engine.pipeline import Gate, Labels
from pipelines.engine.score_form import HISTOGRAM_BINS, PROBABILITY_EDGES
from pipelines.engine.scoring_engines.executor import answer, read_answer
from pipelines.engine.scoring_engines.orders import Packages, make_order
from pipelines.engine.search import IntRange, Search
from pipelines.engine.steps import whole
from pipelines.engine.steps.champion import fetch, find_champion
from tests.pipelines.engine.steps import places, tides, tides_kinds
from tests.pipelines.engine.steps.places import run_night, run_training

NIGHT, LATER = tides.NIGHTS[:2]


@pytest.fixture
def heights(fresh):
    """A place whose question is a number."""
    tides_kinds.deliver_labels(fresh, tides_kinds.height_labels, tides_kinds.HEIGHTS)
    return fresh.changed(tides_kinds.heights())


@pytest.fixture
def looks(fresh):
    """A place whose question is a class, named by text."""
    tides_kinds.deliver_labels(fresh, tides_kinds.look_labels, tides_kinds.LOOKS)
    return fresh.changed(tides_kinds.looks())


def champion_package(place):
    return fetch(place.runtime, find_champion(place.runtime, place.pipeline))


def pictures(training):
    from pathlib import Path

    return sorted(path.stem for path in Path(training.trained["report"]).glob("*.png"))


@pytest.mark.parametrize("fit", [tides_kinds.fit_height, tides_kinds.fit_height_linear])
def test_a_number_is_learned_and_published(heights, fit):
    place = heights.changed(tides_kinds.heights(fit=fit))
    training = run_training(place)
    trained = training.trained
    assert training.promoted["promoted"]
    assert trained["kind"] == "regression"
    assert set(trained["metrics"]) == {"rmse", "mae", "median_absolute_error", "r2"}
    assert trained["metrics"]["rmse"] < 2 < trained["baseline"]["rmse"]
    assert trained["baseline"]["r2"] == pytest.approx(0, abs=0.01), "the best guess without a model is the mean"
    assert set(pictures(training)) >= {"observed"}
    night = run_night(place, NIGHT)
    published = place.published(NIGHT)
    expected = 10 * tides.make_rows(NIGHT)["wind"] + 5
    assert np.corrcoef(published["score"], expected)[0, 1] > 0.98
    assert list(published.columns) == ["buoy", "score", "model_version", "task_key", "scored_at", "night"]
    edges = night.published["score_edges"]
    assert edges == trained["score_edges"] == list(read_form(champion_package(place)).edges)
    assert (len(edges), sum(night.published["histogram"])) == (HISTOGRAM_BINS + 1, len(published))
    assert edges[0] < 0
    assert edges[-1] > 1
    assert night.seen["score_stability"] < 0.25
    assert night.seen["warnings"] == []


def test_a_night_of_other_numbers_is_seen(heights):
    run_training(heights)
    rows = tides.make_rows(NIGHT)
    rows["wind"] = np.linspace(3, 4, len(rows))
    tides.write(rows, heights.rows(NIGHT))
    night = run_night(heights, NIGHT)
    assert night.published["histogram"][-1] > 0, "what lies beyond the last edge is counted in the last bin"
    assert night.seen["score_stability"] > 0.25


@pytest.mark.parametrize("fit", [tides_kinds.fit_look, tides_kinds.fit_look_linear])
def test_a_class_is_learned_and_published(looks, fit):
    place = looks.changed(tides_kinds.looks(fit=fit))
    training = run_training(place)
    trained = training.trained
    assert training.promoted["promoted"]
    assert set(trained["metrics"]) == {"log_loss", "accuracy", "macro_f1", "roc_auc_ovr"}
    assert trained["metrics"]["log_loss"] < trained["baseline"]["log_loss"]
    assert trained["baseline"]["roc_auc_ovr"] == pytest.approx(0.5)
    assert set(pictures(training)) >= {"confusion", "calibration"}
    assert read_form(champion_package(place)).classes == tides_kinds.CLASSES
    run_night(place, NIGHT)
    published = place.published(NIGHT)
    scores = np.array(published["class_scores"].tolist())
    assert scores.shape == (len(published), 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    np.testing.assert_array_equal(scores.max(axis=1), published["score"])
    assert published["prediction"].tolist() == [tides_kinds.CLASSES[code] for code in scores.argmax(axis=1)]


def test_classes_that_are_numbers_are_published_as_numbers(looks):
    def numbered(rows):
        labels = tides_kinds.look_labels(rows)
        return labels.assign(look=labels["look"].map({"calm": 10, "rough": 20, "wild": 30}))

    tides_kinds.deliver_labels(looks, numbered, pa.schema([("buoy", pa.string()), ("look", pa.int64())]))
    labels = Labels(columns={"buoy": "string", "look": "int64"}, target="look")
    place = looks.changed(tides_kinds.looks(labels=labels))
    run_training(place)
    run_night(place, NIGHT)
    assert set(place.published(NIGHT)["prediction"]) == {10, 20, 30}


def test_a_class_that_was_never_seen_counts_as_a_mistake(looks):
    def newer(rows):
        labels = tides_kinds.look_labels(rows)
        if rows["buoy"][0] >= tides.LABELLED[3]:
            labels.loc[labels["look"] == "calm", "look"] = "frozen"
        return labels

    tides_kinds.deliver_labels(looks, newer, tides_kinds.LOOKS)
    trained = run_training(looks).trained
    calm = np.mean(
        np.concatenate([tides_kinds.look_labels(tides.make_rows(n))["look"] == "calm" for n in tides.LABELLED])
    )
    assert trained["metrics"]["accuracy"] <= 1 - calm + 0.05
    assert trained["metrics"]["log_loss"] > 5


@pytest.mark.parametrize("declare", [tides_kinds.heights, tides_kinds.looks])
def test_it_is_searched_like_any_other(fresh, declare):
    labels, schema = {
        tides_kinds.heights: (tides_kinds.height_labels, tides_kinds.HEIGHTS),
        tides_kinds.looks: (tides_kinds.look_labels, tides_kinds.LOOKS),
    }[declare]
    tides_kinds.deliver_labels(fresh, labels, schema)
    space = {"trees": IntRange(2, 20)}
    fit = {tides_kinds.heights: tides_kinds.fit_height, tides_kinds.looks: tides_kinds.fit_look}[declare]
    place = fresh.changed(declare(fit=fit, search=Search(space=space, trials=3, folds=2, startup=2)))
    told = whole.run_training(place.runtime, place.pipeline, tides.AS_OF, actor="test")
    assert told["search"]["metric"] == place.pipeline.gate.metric
    assert told["promoted"]


def test_the_challenger_is_held_against_the_champion_on_the_same_rows(heights):
    run_training(heights)
    better = heights.changed(tides_kinds.heights(fit=tides_kinds.fit_height_linear))
    training = run_training(better)
    difference = training.judged["difference"]
    gain = training.judged["metrics"]["rmse"] - training.judged["champion_metrics"]["rmse"]
    assert difference["metric"] == "rmse"
    assert difference["value"] == pytest.approx(gain)
    assert difference["low"] < difference["value"] < difference["high"] < 0
    interval = (
        f"(difference {difference['value']:+.4f}, 95 % interval {difference['low']:+.4f} to {difference['high']:+.4f})"
    )
    assert interval in " ".join(training.judged["reasons"])


def test_metrics_and_slices_have_intervals(heights):
    trained = run_training(heights).trained
    for metric, value in trained["metrics"].items():
        low, high = trained["intervals"][metric]
        assert low < value < high
    assert set(trained["slices"]) == {"sea=baltic", "sea=black", "sea=north"}
    north = trained["slices"]["sea=north"]
    low, high = north["intervals"]["rmse"]
    assert low < north["rmse"] < high
    assert 200 <= north["rows"] < 900
    json.dumps(trained)


def test_a_champion_of_another_kind_neither_scores_nor_stands_in_the_way(place):
    tides_kinds.deliver_labels(place, tides_kinds.height_labels, tides_kinds.HEIGHTS)
    other = place.changed(tides_kinds.heights())
    with pytest.raises(ModelError, match="answers a question of kind 'binary', and tides is declared as 'regression'"):
        run_night(other, NIGHT)
    training = run_training(other)
    assert training.promoted["promoted"]
    assert "the two are not compared" in " ".join(training.judged["reasons"])


def test_a_booster_for_several_classes_is_no_answer_to_a_number(heights):
    wrong = heights.changed(tides_kinds.heights(fit=_three_numbers))
    with pytest.raises(ModelError, match="gives 3 numbers for each row; expected one, the value"):
        run_training(wrong)


def _three_numbers(features, target):
    return tides_kinds.fit_look(features, np.arange(len(target)) % 3)


def test_a_classifier_is_no_answer_to_a_number(heights):
    wrong = heights.changed(tides_kinds.heights(fit=_classifier))
    with pytest.raises(FitFailed, match="expected a lightgbm Booster or LGBMRegressor, a scikit-learn regressor"):
        run_training(wrong)


def _classifier(features, target):
    return tides_kinds.fit_look_linear(features, (target > 0).astype(int))


def test_probabilities_that_do_not_add_up_are_refused(looks):
    wrong = looks.changed(tides_kinds.looks(fit=_one_against_the_others))
    with pytest.raises(ModelError, match="do not add up to 1"):
        run_training(wrong)


def _one_against_the_others(features, target):
    import lightgbm

    knobs = {"objective": "multiclassova", "num_class": 3, **tides_kinds.QUIET}
    return lightgbm.train(knobs, lightgbm.Dataset(features, target), num_boost_round=3)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_label_that_is_no_number_is_refused(heights, value):
    rows = tides.make_rows(tides.LABELLED[0])
    labels = tides_kinds.height_labels(rows)
    labels.loc[7, "height"] = value
    tides.write(labels, heights.labels(tides.LABELLED[0]), schema=tides_kinds.HEIGHTS)
    with pytest.raises(DataError, match="1 labels in 'height' of tides are missing, or no finite number"):
        run_training(heights)


def test_labels_that_are_all_the_same_teach_nothing(heights):
    tides_kinds.deliver_labels(
        heights, lambda rows: tides_kinds.height_labels(rows).assign(height=3.0), tides_kinds.HEIGHTS
    )
    with pytest.raises(DataError, match=r"are 3.0; a model needs different values to learn from"):
        run_training(heights)


def test_a_yes_or_no_package_is_what_it_was(place):
    package = champion_package(place)
    assert set(json.loads((package / "package.json").read_text())) == {"family", "features", "loader"}
    assert "score_edges" not in read_profile(package)
    assert read_form(package).edges == PROBABILITY_EDGES
    assert run_night(place, NIGHT).published["score_edges"] == list(PROBABILITY_EDGES)


@pytest.mark.parametrize("kind", ["heights", "looks"])
def test_whoever_scores_elsewhere_gives_the_same(kind, request):
    from datetime import UTC, datetime

    import pyarrow.parquet as pq

    from pipelines.engine.scoring import Stamp
    from pipelines.engine.scoring_engines.base import ShardWork
    from pipelines.engine.scoring_engines.local import LOCAL
    from pipelines.engine.shards import Shard

    place = request.getfixturevalue(kind)
    run_training(place)
    (task,) = places.plan(place, places.validate(place, LATER))
    version = find_champion(place.runtime, place.pipeline)
    stamp = Stamp(version.version, "key", datetime(2024, 1, 1, tzinfo=UTC))
    shard = Shard.from_json({"number": task["number"], "pieces": task["pieces"]})
    outputs = [place.runtime.predictions(place.pipeline) / f"{name}.parquet" for name in ("here", "there")]
    works = [ShardWork(place.runtime, place.pipeline, shard, version, None, None, stamp, output) for output in outputs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.engine.catalog.load_pipeline", lambda name: place.pipeline)
        there = read_answer(answer(make_order(works[1], Packages().place(works[1]))))
    here = LOCAL.score(works[0])
    assert (there.histogram, there.edges, there.score_sum) == (here.histogram, here.edges, here.score_sum)
    assert pq.read_table(outputs[0].copy()).equals(pq.read_table(outputs[1].copy()))


def test_a_gate_of_a_metric_that_is_better_when_lower_stays_closed(heights):
    strict = heights.changed(tides_kinds.heights(gate=Gate(metric="mae", threshold=0.01)))
    training = run_training(strict)
    assert not training.judged["opened"]
    assert "at most 0.0100 is needed" in training.judged["reasons"][0]
