"""A training from validate to promote, with LightGBM and with scikit-learn."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from model_registry import AliasMoved, KeyConflict
from pipelines.engine.errors import DataError, FitFailed, RowsChanged
from pipelines.engine.pipeline import Gate
from pipelines.engine.steps.champion import fetch, find_champion
from pipelines.engine.steps.evaluate import evaluate
from pipelines.engine.steps.train import train
from pipelines.engine.steps.validate_training import validate_training
from tests.pipelines.engine.steps import tides, tides_labels_suite
from tests.pipelines.engine.steps.places import champion, judge_training, promote, run_night, run_training

NIGHT = tides.NIGHTS[0]


def versions(place):
    return [version.version for version in place.runtime.registry.versions("tides")]


def test_first_training_makes_a_champion(place):
    training = run_training(place)
    assert champion(place) == training.registered["version"] == "1"
    assert training.judged["champion_version"] is None
    assert training.trained["metrics"]["roc_auc"] > 0.7
    assert training.trained["baseline"]["roc_auc"] == pytest.approx(0.5)
    assert training.trained["rows"] == {"train": 900, "holdout": 900}
    assert training.checked["nights"] == "2024-02-29..2024-03-05"


def test_training_again_claims_nothing_and_makes_no_version(place):
    since = place.ledger.now()
    first = run_training(place)
    assert place.ledger.claims_since(since) == 0
    assert run_training(place.changed()) == first
    assert versions(place) == ["1"]


def test_a_lost_result_of_the_registration_gives_no_second_version(place):
    training = run_training(place)
    for _ in range(3):
        place.ledger.force(training.registered["key"], holder="test", reason="its reply was lost")
        again = judge_training(place).registered
        assert {**again, "card": None} == {**training.registered, "card": None}
        assert Path(again["card"]).is_file()  # each holder's card has a name of its own
    assert versions(place) == ["1"]


def test_a_forced_training_finds_its_run_again(place):
    training = run_training(place)
    place.ledger.force(training.trained["key"], holder="test", reason="on purpose")
    again = run_training(place)
    assert again.trained["run_id"] == training.trained["run_id"]
    assert versions(place) == ["1"]


def test_the_same_window_and_code_give_the_same_model(fresh, tmp_path):
    other = fresh.copied_to(tmp_path / "other")
    one, two = run_training(fresh), run_training(other)
    assert one.trained["metrics"] == two.trained["metrics"]
    assert one.trained["key"] == two.trained["key"]


def test_scikit_learn_pipeline_is_trained_kept_and_scores(fresh):
    place = fresh.declared(fit=tides.fit_linear)
    training = run_training(place)
    assert training.promoted["promoted"]
    run_night(place, NIGHT)
    older = [tides.make_rows(night) for night in tides.LABELLED[:3]]
    features = _as_trained(older)
    target = np.concatenate([tides.make_labels(rows)["flooded"] for rows in older])
    model = tides.fit_linear(features, target)
    expected = model.predict_proba(_as_trained([tides.make_rows(NIGHT)]))[:, 1]
    np.testing.assert_allclose(place.published(NIGHT)["score"], expected, atol=1e-6)


def test_trees_of_scikit_learn_are_kept_and_score(fresh):
    place = fresh.declared(fit=tides.fit_forest, gate=Gate(metric="roc_auc", threshold=0.1))
    assert run_training(place).promoted["promoted"]
    assert run_night(place, NIGHT).published["rows_scored"] == tides.PER_NIGHT


def test_an_estimator_around_a_booster_is_kept_and_scores(fresh):
    place = fresh.declared(fit=tides.fit_classifier)
    assert run_training(place).promoted["promoted"]
    done = run_night(place, NIGHT)
    assert done.published["rows_scored"] == 300
    assert done.seen["score_stability"] < 0.25


def test_a_model_that_could_run_code_when_it_is_loaded_is_not_kept(fresh):
    with pytest.raises(FitFailed, match=r"parts that cannot be kept safely: .*_numbers"):
        run_training(fresh.declared(fit=tides.fit_unsafely))
    assert list(fresh.failed()) == ["train"]


def _as_trained(frames):
    features = pd.concat(frames)[tides.FEATURES]
    features["sea"] = pd.Categorical(features["sea"], categories=list(tides.SEAS))
    return features.astype({"depth": "float64"})


def test_gate_closed_means_registered_and_not_promoted(fresh):
    place = fresh.declared(gate=Gate(metric="roc_auc", threshold=0.999))
    training = run_training(place)
    assert not training.judged["opened"]
    assert training.promoted["promoted"] is False
    assert "at least 0.9990 is needed" in training.promoted["reasons"][0]
    assert versions(place) == ["1"]
    assert champion(place) is None


def test_a_challenger_worse_than_the_champion_is_refused(place):
    training = run_training(place.declared(fit=tides.fit_badly, gate=Gate(metric="roc_auc", threshold=0.0)))
    assert training.judged["champion_version"] == "1"
    assert "worse than the champion's" in training.judged["reasons"][0]
    assert training.judged["champion_metrics"]["roc_auc"] > training.judged["metrics"]["roc_auc"]
    assert training.promoted["promoted"] is False
    assert champion(place) == "1"
    assert versions(place) == ["1", "2"]


def test_a_window_that_changed_after_the_training_is_not_judged_on(place):
    other = place.declared(fit=tides.fit_linear)
    checked = validate_training(other.runtime, other.pipeline, tides.AS_OF)
    trained = train(other.runtime, other.pipeline, checked)
    tides.write(tides.make_rows(tides.LABELLED[0], seed=9), place.rows(tides.LABELLED[0]))
    with pytest.raises(RowsChanged, match="changed after the training; run the training again"):
        evaluate(other.runtime, other.pipeline, checked, trained)
    assert champion(place) == "1"


def test_of_two_trainings_that_met_the_same_champion_one_is_promoted(fresh):
    one, two = fresh, fresh.declared(fit=tides.fit_linear)
    judged = [judge_training(one), judge_training(two)]
    assert [training.judged["champion_version"] for training in judged] == [None, None]
    promote(one, judged[0])
    with pytest.raises(AliasMoved) as caught:
        promote(two, judged[1])
    assert (caught.value.expected, caught.value.got) == (None, "1")
    assert champion(fresh) == "1"
    assert "AliasMoved" in fresh.failed()["promote"]

    again = run_training(two)
    assert again.judged["champion_version"] == "1"
    assert champion(fresh) == ("2" if again.judged["opened"] else "1")


def test_two_promotions_at_once_leave_one_champion(fresh):
    places = [fresh, fresh.declared(fit=tides.fit_linear)]
    judged = [judge_training(place) for place in places]
    start, came = threading.Barrier(2), []

    def run(place, training):
        start.wait()
        try:
            came.append(promote(place, training)["promoted"])
        except AliasMoved as moved:
            came.append(moved.got)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(places, judged, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, came)) == sorted(["True", champion(fresh)])
    moves = fresh.runtime.registry.journal("tides")
    assert [move.moved_to for move in moves if move.alias == "champion"] == [champion(fresh)]


def roll_back(place, *, to, expected):
    place.runtime.registry.promote("tides", to=to, expected=expected, key="rollback", actor="test", reason="it hurt")


def test_a_rollback_is_not_undone_by_running_the_training_again(place):
    newer = place.declared(fit=tides.fit_linear)
    training = run_training(newer)
    assert champion(place) == "2"
    roll_back(place, to="1", expected="2")
    since = place.ledger.now()
    assert run_training(newer).promoted == training.promoted
    assert place.ledger.claims_since(since) == 0
    assert champion(place) == "1"


def test_a_rollback_by_two_versions_is_not_undone_either(place):
    run_training(place.declared(fit=tides.fit_linear))
    newest = place.declared(fit=tides.fit_classifier, gate=Gate(metric="roc_auc", threshold=0.1, tolerance=1.0))
    assert run_training(newest).promoted["promoted"]
    roll_back(place, to="1", expected="3")
    again = run_training(newest).promoted
    assert not again["promoted"]
    assert "version 3 was champion before" in again["reasons"][0]
    assert champion(place) == "1"


def test_a_rollback_of_the_first_promotion_s_successor_scores_with_the_old_version(place):
    run_training(place.declared(fit=tides.fit_linear))
    first = run_night(place, NIGHT)
    roll_back(place, to="1", expected="2")
    again = run_night(place, NIGHT)
    assert (first.published["model_version"], again.published["model_version"]) == ("2", "1")
    assert set(place.published(NIGHT)["model_version"]) == {"1"}


def test_the_same_model_under_a_new_key_is_judged_against_the_champion(place, monkeypatch):
    """A changed comment gives a new key and the same model."""
    monkeypatch.setattr("pipelines.engine.steps.train.code_digest", lambda *roots: "another comment")
    training = run_training(place)
    assert training.registered["version"] == "2"
    assert training.promoted["promoted"]
    assert champion(place) == "2"


def test_refused_rows_are_not_learned_from(fresh):
    night = tides.LABELLED[0]
    rows = tides.make_rows(night)
    rows.loc[:9, "wind"] = 50.0
    tides.write(rows, fresh.rows(night))
    training = run_training(fresh)
    assert training.checked["refused"] == {"rows": 10, "labels": 0}
    assert training.trained["rows"]["train"] == 890


def test_a_night_that_was_never_delivered_is_left_out_of_the_window(fresh):
    fresh.rows(tides.LABELLED[1]).unlink()
    assert run_training(fresh).trained["rows"] == {"train": 600, "holdout": 900}


def test_one_class_only_is_said_in_words(fresh):
    for night in tides.LABELLED:
        labels = pq.read_table(fresh.labels(night)).to_pandas()
        labels["flooded"] = 0
        tides.write(labels, fresh.labels(night), schema=tides.LABELS)
    with pytest.raises(DataError, match="all labels before the holdout are 0; a model needs both classes"):
        run_training(fresh)
    assert "DataError" in fresh.failed()["train"]
    assert champion(fresh) is None


def test_ids_with_two_labels_are_refused_even_where_the_suite_lets_them_through(fresh, monkeypatch):
    labels = pq.read_table(fresh.labels(tides.LABELLED[0])).to_pandas()[:200]
    tides.write(pd.concat([labels, labels[:50]]), fresh.labels(tides.LABELLED[0]), schema=tides.LABELS)
    lenient = [expectation for expectation in tides_labels_suite.build(None) if expectation.column != "buoy"]
    monkeypatch.setattr(tides_labels_suite, "build", lambda context: lenient)
    with pytest.raises(DataError, match=r'50 ids \("buoy"\) of tides have two labels or more'):
        run_training(fresh)
    assert list(fresh.failed()) == ["train"]


def test_refused_labels_are_not_learned_from(fresh):
    labels = pq.read_table(fresh.labels(tides.LABELLED[0])).to_pandas()
    labels.loc[:5, "flooded"] = 7
    tides.write(labels, fresh.labels(tides.LABELLED[0]), schema=tides.LABELS)
    training = run_training(fresh)
    assert training.checked["refused"] == {"rows": 0, "labels": 6}
    assert training.trained["rows"]["train"] == 894


def test_another_model_under_a_registered_key_is_refused(place):
    training = run_training(place)
    other = run_training(place.declared(fit=tides.fit_linear))
    with pytest.raises(KeyConflict):
        place.runtime.registry.register_once(
            "tides", key=training.registered["key"], run_id=other.trained["run_id"], description="", tags={}
        )


def test_the_model_is_bit_for_bit_the_one_that_a_plain_pandas_script_fits(fresh):
    training = run_training(fresh)
    fetched = fetch(fresh.runtime, find_champion(fresh.runtime, fresh.pipeline))
    older = [tides.make_rows(night) for night in tides.LABELLED[:3]]
    target = np.concatenate([tides.make_labels(rows)["flooded"] for rows in older])
    tides.fit(_as_trained(older), target).save_model(fresh.home / "by_hand.txt")
    assert training.promoted["promoted"]
    assert (fetched / "model.txt").read_bytes() == (fresh.home / "by_hand.txt").read_bytes()


def test_a_fit_may_write_into_its_frame(fresh):
    def fit(features, target, *, cut: float = 2.0):
        features.loc[features["wind"] > cut, "wind"] = cut
        features["depth"] /= 10
        return tides.fit(features, target)

    assert run_training(fresh.declared(fit=fit)).trained["metrics"]["roc_auc"] > 0.7
