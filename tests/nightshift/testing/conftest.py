from __future__ import annotations

from datetime import date

import pytest

import tests.dags.airflow_home  # noqa: F401
from nightshift.testing import House
from nightshift.testing.fixtures import house
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import known_suites

__all__ = ["house"]
FLIGHT_NIGHTS = [f"2013-11-{day:02d}" for day in range(16, 21)]


@pytest.fixture(autouse=True)
def _suites():
    with known_suites():
        yield


@pytest.fixture
def tidal(house):
    """A house where the small pipeline has a champion and one night of rows."""
    return with_tides(house)


def with_tides(house: House, **declared: object) -> House:
    pipeline = house.pipeline(tides.declare(**declared))
    learned = tides.make_rows(tides.LABELLED[0])
    house.make_champion(pipeline, rows=learned, labels=tides.make_labels(learned), trees=3)
    house.deliver(pipeline, tides.NIGHTS[0], rows=tides.make_rows(tides.NIGHTS[0]))
    return house


@pytest.fixture(scope="session")
def flight_nights():
    """Rows and labels of a few real nights of flights, by night."""
    from pipelines.flights.history import build_nights
    from pipelines.flights.sources import load_sources, package_folder

    nights = [date.fromisoformat(night) for night in FLIGHT_NIGHTS]
    built = build_nights(load_sources(package_folder()), nights)
    return {
        night: (one.rows.to_pandas(), one.labels.to_pandas()) for night, one in zip(FLIGHT_NIGHTS, built, strict=True)
    }


@pytest.fixture
def airport(house, flight_nights):
    """A house where flights has a champion, and the newest night was delivered."""
    import pandas as pd

    rows, labels = (pd.concat(side) for side in zip(*list(flight_nights.values())[:-1], strict=True))
    house.make_champion("flights", rows=rows, labels=labels, trees=5)
    newest = FLIGHT_NIGHTS[-1]
    house.deliver("flights", newest, rows=flight_nights[newest][0])
    return house
