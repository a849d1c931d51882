from __future__ import annotations

import pytest

from nightshift import testing


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    found = getattr(testing, name)
    assert found.__name__.rpartition(".")[2] == name
    assert found.__doc__


def test_a_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(AttributeError, match=r"has no attribute 'run_dags'; it offers: .*run_dag"):
        testing.run_dags  # noqa: B018
