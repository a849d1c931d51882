from __future__ import annotations

import pytest

import tests.dags.airflow_home  # noqa: F401
from tests.pipelines.engine.steps.places import _suites, fresh, fresh_home, place, trained_home

__all__ = ["_suites", "at", "fresh", "fresh_home", "place", "trained_home"]


@pytest.fixture
def at(monkeypatch):
    """Let operators work in a place: in its home folder, and on its declaration of the pipeline."""

    def settle(place):
        from nightshift.operators import base

        monkeypatch.setenv("NIGHTSHIFT_HOME", str(place.home))
        monkeypatch.setattr(base, "load_pipeline", lambda name: place.pipeline)
        return place

    return settle
