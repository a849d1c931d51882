from __future__ import annotations

import pytest

from tests.nightshift.commands.houses import enter, lived_in
from tests.pipelines.engine.steps.places import fresh_home

__all__ = ["fresh_home"]


@pytest.fixture(scope="session")
def home_lived_in(tmp_path_factory, fresh_home):
    """Everything that commands show; to be copied and never used."""
    return lived_in(fresh_home, tmp_path_factory.mktemp("lived-in") / "home")


@pytest.fixture
def home(home_lived_in, tmp_path):
    """A copy of one's own."""
    return home_lived_in.copied_to(tmp_path / "home")


@pytest.fixture
def nightshift(home, monkeypatch):
    """The command line in that home."""
    return enter(home, monkeypatch)
