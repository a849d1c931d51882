"""A champion that nobody trained: a person moved the alias in MLflow's pages, and the night refuses."""

from __future__ import annotations

import pytest

from model_registry import TamperedModel
from tests.pipelines.engine.steps import places, tides

BEFORE, NIGHT = tides.NIGHTS[:2]


def test_night_whose_champion_was_made_by_hand_publishes_nothing(place, tmp_path):
    places.run_night(place, BEFORE)
    published = place.versions()
    client = place.runtime.registry._store.client
    (tmp_path / "by-hand").mkdir()
    (tmp_path / "by-hand/MLmodel").write_text("flavors: {}")
    made = client.create_model_version("tides", source=(tmp_path / "by-hand").as_uri())
    client.set_registered_model_alias("tides", "champion", made.version)
    with pytest.raises(TamperedModel, match="tides version 2 has no recorded digest") as caught:
        places.run_night(place, NIGHT)
    assert not caught.value.retryable
    assert place.versions() == published
    client.set_registered_model_alias("tides", "champion", "1")
    assert places.run_night(place, NIGHT).published["model_version"] == "1"
