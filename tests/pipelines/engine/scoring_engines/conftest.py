from __future__ import annotations

import pytest

from pipelines.engine.scoring_engines import open_engine
from tests.pipelines.engine.steps.places import _suites, fresh_home, place, trained_home

__all__ = ["_suites", "fresh_home", "place", "trained_home"]


@pytest.fixture(scope="module")
def engine(spark):
    """Spark Connect, three shards at a time; one session for all tests of a module."""
    engine = open_engine("spark", spark=spark.address, at_once=3)
    yield engine
    engine.close()
