"""What DAG authors import from `nightshift`."""

from __future__ import annotations

import pytest

import nightshift


@pytest.mark.parametrize("name", nightshift.__all__)
def test_every_public_name_is_there(name):
    assert getattr(nightshift, name).__name__ == name


def test_a_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(AttributeError, match=r"has no attribute 'scorig_dag'; it offers: .*scoring_dag"):
        nightshift.scorig_dag  # noqa: B018
