from __future__ import annotations

import pytest

from tests.nightshift.backup.worlds import World, train_and_score
from tests.pipelines.engine.steps.places import _suites, fresh, fresh_home, place, trained_home

__all__ = ["_suites", "fresh", "fresh_home", "place", "trained_home"]


@pytest.fixture(scope="session")
def lived_home(tmp_path_factory, trained_home):
    """A champion and one published night; to be copied and never used."""
    from tests.pipelines.engine.steps.places import known_suites

    with known_suites():
        home = trained_home.copied_to(tmp_path_factory.mktemp("lived") / "home")
        train_and_score(home, nights=1, train=False)
        return home


@pytest.fixture
def world(lived_home, tmp_path):
    """The same, with a vault beside it."""
    return World(lived_home.copied_to(tmp_path / "home"), tmp_path / "vault")
