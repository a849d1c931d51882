"""What pages ask: the house of views, with little patience, because somebody is waiting in front of a page."""

from __future__ import annotations

import gc
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.engine.incidents.store import Incidents
    from pipelines.engine.settings import Settings
    from pipelines.engine.views.house import House

PATIENCE_SECONDS = 2.0


def house() -> House:
    """Return the views of the ledger that the settings name."""
    from pipelines.engine.settings import read_settings

    return _house_of(read_settings())


@lru_cache(maxsize=2)
def _house_of(settings: Settings) -> House:
    """Return one house for all requests: a new one would compile its statements anew."""
    from pipelines.engine.views.house import House

    _settle_the_heap()
    return House(settings, patience=PATIENCE_SECONDS)


@cache
def _settle_the_heap() -> None:
    """Let collections of garbage leave out what Airflow's server has loaded by now; once in a process.

    It stays anyway. A full collection would walk through all of it again and again, for a third of a second in the middle
    of some page.
    """
    gc.collect()
    gc.freeze()


def mlflow_page(pipeline: str, version: str) -> str:
    """Return the address of a version in MLflow's pages, or "" where no MLflow server is known."""
    from model_registry.addresses import ui_base, version_page
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    return version_page(ui_base(settings.tracking_uri, settings.mlflow_ui), pipeline, version)


def incidents() -> Incidents:
    """Return the incidents of that ledger, by the clock that its nights are in."""
    from pipelines.engine.incidents.store import Incidents
    from pipelines.engine.replay import read_clock
    from pipelines.engine.settings import read_settings

    settings = read_settings()
    return Incidents(settings.ledger_url, clock=read_clock(settings), patience=PATIENCE_SECONDS)
