from __future__ import annotations

import pytest

from pipelines.engine.keys import TaskKey
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


@pytest.fixture
def key():
    return TaskKey(pipeline="tides", step="score", partition="2024-03-06#0", inputs={"rows": "abc"}, code="c0de")
