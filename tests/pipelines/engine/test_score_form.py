"""What scores may be, how they are counted, and what they are held against."""

import numpy as np
import pytest

from pipelines.engine.errors import ModelError
from pipelines.engine.score_form import (
    HISTOGRAM_BINS,
    PROBABILITY_EDGES,
    ScoreForm,
    edges_of,
    learned_form,
    regression_edges,
)

SEAS = ScoreForm("multiclass", ("calm", "rough", "wild"))


def test_probabilities_are_counted_as_they_always_were():
    score = np.random.default_rng(0).random(1000)
    expected = np.histogram(score, bins=20, range=(0.0, 1.0))
    np.testing.assert_array_equal(ScoreForm().histogram(score), expected[0])
    np.testing.assert_array_equal(PROBABILITY_EDGES, expected[1])


def test_values_beyond_the_edges_are_counted_at_the_ends():
    predicted = np.random.default_rng(0).normal(50, 10, 10_000)
    form = ScoreForm("regression", edges=regression_edges(predicted))
    assert len(form.edges) == HISTOGRAM_BINS + 1
    counts = form.histogram(np.array([-1e9, 50.0, 1e9]))
    assert (counts.sum(), counts[0], counts[-1]) == (3, 1, 1)


def test_predictions_that_are_all_the_same_have_edges_all_the_same():
    edges = regression_edges(np.full(10, 3.0))
    assert (edges[0], edges[-1]) == (2.5, 3.5)
    assert ScoreForm("regression", edges=edges).histogram(np.full(10, 3.0)).sum() == 10


@pytest.mark.parametrize(
    ("form", "given", "said"),
    [
        (ScoreForm(), [[0.1, 0.9]], r"shape \(1, 2\) for 1 rows; expected \(1,\)"),
        (ScoreForm(), [1.5], "no probability from 0 to 1"),
        (ScoreForm(), [np.nan], "no probability from 0 to 1"),
        (ScoreForm("regression"), [np.inf], "no finite number"),
        (SEAS, [0.2], r"expected \(1, 3\)"),
        (SEAS, [[0.2, 0.2, 0.2]], "do not add up to 1"),
        (SEAS, [[1.2, -0.2, 0.0]], "no probability from 0 to 1"),
    ],
)
def test_scores_of_another_form_are_refused(form, given, said):
    with pytest.raises(ModelError, match=said):
        form.checked(np.array(given), 1)


def test_no_rows_are_fine_for_every_kind():
    assert ScoreForm().checked(np.empty(0), 0).shape == (0,)
    assert SEAS.checked(np.empty((0, 3)), 0).shape == (0, 3)
    assert SEAS.codes(np.empty(0, dtype=object)).shape == (0,)


def test_classes_are_learned_in_order_and_the_unknown_is_a_mistake():
    target = np.array(["wild", "calm", "rough", "calm"], dtype=object)
    assert learned_form("multiclass", target) == SEAS
    assert SEAS.codes(np.array(["wild", "frozen", "calm"], dtype=object)).tolist() == [2, -1, 0]
    codes, scores = SEAS.measurable(np.array(["wild", "frozen"], dtype=object), np.array([[0.1, 0.2, 0.7]] * 2))
    assert codes.tolist() == [2, 3]
    assert scores[:, 3].tolist() == [0, 0]


def test_a_shard_of_an_earlier_version_had_the_edges_of_probabilities():
    assert edges_of([{"histogram": [1]}]) == list(PROBABILITY_EDGES)
    assert edges_of([{"score_edges": [0, 5]}]) == [0, 5]
