"""Metrics say the same as scikit-learn's, and nothing where they would mean nothing."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from pipelines.engine.kinds import KINDS
from pipelines.engine.metrics import METRICS, improvement, metrics_for, metrics_of, slices_of


@pytest.fixture
def chance():
    return np.random.default_rng(5)


def test_every_kind_has_metrics_and_every_metric_a_kind():
    assert {name for kind in KINDS for name in metrics_for(kind)} == set(METRICS)
    assert metrics_for("binary") == ("roc_auc", "average_precision", "log_loss", "brier_score")


def test_each_kind_is_measured_by_its_metrics(chance):
    classes = chance.dirichlet(np.ones(3), 60)
    measured = {
        "binary": metrics_of(np.arange(60) % 2, chance.random(60)),
        "multiclass": metrics_of(np.arange(60) % 3, classes, "multiclass"),
        "regression": metrics_of(chance.random(60), chance.random(60), "regression"),
    }
    assert {kind: set(found) for kind, found in measured.items()} == {kind: set(metrics_for(kind)) for kind in KINDS}
    expected = sk.roc_auc_score(np.arange(60) % 3, classes, multi_class="ovr", average="macro")
    assert measured["multiclass"]["roc_auc_ovr"] == pytest.approx(expected)


def test_only_the_wanted_ones_are_computed(chance):
    assert set(metrics_of(np.arange(9) % 2, chance.random(9), only=("log_loss",))) == {"log_loss"}


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_one_class_alone_cannot_be_ranked(kind):
    scores = np.full(5, 0.5) if kind == "binary" else np.full((5, 2), 0.5)
    assert metrics_of(np.ones(5, dtype=int), scores, kind) == {}


def test_one_row_is_no_measure_of_numbers():
    assert metrics_of(np.ones(1), np.ones(1), "regression") == {}


def test_small_slices_are_left_out_and_missing_values_are_a_slice():
    frame = pd.DataFrame({"sea": ["north"] * 200 + [None] * 250 + ["baltic"] * 199})
    assert {name: int(here.sum()) for name, here in slices_of(frame)} == {"sea=missing": 250, "sea=north": 200}


@pytest.mark.parametrize(("metric", "better"), [("r2", 0.9), ("rmse", 0.1), ("accuracy", 0.9), ("log_loss", 0.1)])
def test_better_is_an_improvement_whichever_way_it_lies(metric, better):
    assert improvement(metric, better, 0.5) > 0 > improvement(metric, 0.5, better)
