"""Places that the pages look at: the small pipeline `tides`, known to the catalog, with DAGs that the ledger has heard of."""

from __future__ import annotations

import pytest

import pipelines.engine.catalog
import pipelines.engine.views.house
from pipelines.engine.ledger.observations import Observations
from tests.pipelines.engine.promises.nights import declared
from tests.pipelines.engine.steps.places import Place


def shown(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Let the pages look at a place."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(place.home))
    monkeypatch.setenv("NIGHTSHIFT_COMPILE", "0")
    for module in (pipelines.engine.catalog, pipelines.engine.views.house):
        monkeypatch.setattr(module, "load_pipeline", lambda name: place.pipeline)
    Observations(place.settings.ledger_url).declare([declared().to_json()])
    return place


def client_of(airflow_app, name: str, role: str | None = None):
    """A browser that is logged in, and shows our pages: it says so, as browsers do."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    user = SimpleAuthManagerUser(username=name, role=role or name)
    token = airflow_app.state.auth_manager.generate_jwt(user)
    return TestClient(airflow_app, cookies={"_token": token}, headers={"Sec-Fetch-Site": "same-origin"})
