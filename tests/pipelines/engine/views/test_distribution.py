from __future__ import annotations

from pipelines.engine.score_form import PROBABILITY_EDGES
from pipelines.engine.views.night import distribution_of

COUNTS = [10, *[0] * 19]


def test_nights_from_before_edges_were_kept_are_nights_of_probabilities():
    tonight = {"histogram": COUNTS, "score_edges": list(PROBABILITY_EDGES)}
    found = distribution_of(tonight, {}, [{"histogram": COUNTS}])

    assert found.last_week == (1.0, *[0.0] * 19)
    assert found.edges == PROBABILITY_EDGES


def test_nights_with_other_edges_are_not_compared():
    tonight = {"histogram": COUNTS, "score_edges": [*range(21)]}
    found = distribution_of(tonight, {}, [{"histogram": COUNTS}])

    assert found.last_week is None
    assert found.edges == tuple(range(21))
