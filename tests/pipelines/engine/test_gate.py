"""The gate opens when everything is proven, and stays closed for each single thing that is not."""

import math

import pytest

from pipelines.engine.gate import judge
from pipelines.engine.pipeline import Gate

HIGHER = Gate(metric="roc_auc", threshold=0.6, tolerance=0.01)
LOWER = Gate(metric="log_loss", threshold=0.5, tolerance=0.01)


@pytest.mark.parametrize(
    ("gate", "challenger", "champion"),
    [
        (HIGHER, 0.70, 0.65),
        (HIGHER, 0.70, 0.705),  # worse, within the tolerance
        (HIGHER, 0.60, 0.60),  # exactly the threshold
        (LOWER, 0.40, 0.45),
        (LOWER, 0.40, 0.395),
        (LOWER, 0.50, 0.50),
    ],
)
def test_gate_opens_for_a_challenger_that_proves_everything(gate, challenger, champion):
    verdict = judge(gate, {gate.metric: challenger}, {gate.metric: champion})
    assert verdict.opened
    assert len(verdict.reasons) == 2


def test_first_challenger_needs_the_threshold_alone():
    verdict = judge(HIGHER, {"roc_auc": 0.61}, None)
    assert verdict.opened
    assert verdict.reasons == (
        "roc_auc 0.6100, at least 0.6000 is needed",
        "there is no champion to be compared with",
    )


@pytest.mark.parametrize(
    ("gate", "value", "word"), [(HIGHER, 0.59, "at least 0.6000"), (LOWER, 0.51, "at most 0.5000")]
)
@pytest.mark.parametrize("champion", [None, 0.55])
def test_threshold_missed_keeps_it_closed(gate, value, word, champion):
    verdict = judge(gate, {gate.metric: value}, None if champion is None else {gate.metric: champion})
    assert not verdict.opened
    assert verdict.reasons[0] == f"{gate.metric} {value:.4f}, {word} is needed"


@pytest.mark.parametrize(("gate", "value", "champion"), [(HIGHER, 0.70, 0.72), (LOWER, 0.40, 0.38)])
def test_worse_than_the_champion_keeps_it_closed(gate, value, champion):
    verdict = judge(gate, {gate.metric: value}, {gate.metric: champion})
    assert not verdict.opened
    assert verdict.reasons[0] == (
        f"{gate.metric} is 0.0200 worse than the champion's {champion:.4f} on the same holdout; "
        "at most 0.0100 worse is allowed"
    )


def test_holdout_without_the_metric_keeps_it_closed():
    verdict = judge(HIGHER, {}, None)
    assert not verdict.opened
    assert verdict.reasons == ("the holdout gave no roc_auc: it needs rows of both classes",)


def test_champion_that_cannot_be_compared_keeps_it_closed():
    verdict = judge(HIGHER, {"roc_auc": 0.9}, {"log_loss": 0.1})
    assert not verdict.opened
    assert "the two cannot be compared" in verdict.reasons[0]


@pytest.mark.parametrize("gate", [HIGHER, LOWER])
@pytest.mark.parametrize(("challenger", "champion"), [(math.nan, 0.5), (0.55, math.nan), (math.nan, None)])
def test_metric_that_is_no_number_keeps_it_closed(gate, challenger, champion):
    assert not judge(gate, {gate.metric: challenger}, None if champion is None else {gate.metric: champion}).opened


def test_all_broken_conditions_are_told_before_the_kept_ones():
    verdict = judge(HIGHER, {"roc_auc": 0.3}, {"roc_auc": 0.5})
    assert not verdict.opened
    assert len(verdict.reasons) == 2
    kept_last = judge(HIGHER, {"roc_auc": 0.61}, {"roc_auc": 0.7})
    assert "worse than the champion" in kept_last.reasons[0]
    assert "is needed" in kept_last.reasons[1]
