"""Our pages inside Airflow's real web application, for who is not logged in and for a viewer."""

from __future__ import annotations

import pytest

from pipelines.engine.ledger.store import Ledger
from tests.pipelines.engine.steps.places import _suites, fresh, fresh_home, moved, moved_home, place, trained_home

__all__ = ["_suites", "fresh", "fresh_home", "moved", "moved_home", "place", "trained_home"]


@pytest.fixture(scope="session")
def airflow_app():
    """Airflow's API server with our plugin, on a database of its own."""
    from airflow.api_fastapi.app import create_app
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from airflow.settings import engine

    import_all_models()
    Base.metadata.create_all(engine)
    return create_app(apps="core")


@pytest.fixture
def anonymous(airflow_app):
    from fastapi.testclient import TestClient

    return TestClient(airflow_app)


@pytest.fixture
def viewer(airflow_app):
    """A client that is logged in with the least of Airflow's roles."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    token = airflow_app.state.auth_manager.generate_jwt(SimpleAuthManagerUser(username="viewer", role="viewer"))
    return TestClient(airflow_app, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def home(tmp_path, sqlite_ledger_url, monkeypatch):
    """Settings with one report, and files around it that are nobody's business."""
    for name, content in {
        "home/reports/tides/2024-03-06/checks.html": "<html>the report</html>",
        "home/reports/tides/roc.png": "a picture",
        "home/reports/tides/rows.parquet": "rows",
        "home/secret.html": "a secret",
        "home/reports-of-others/other.html": "a secret",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    tides = tmp_path / "home/reports/tides"
    (tides / "link.html").symlink_to(tmp_path / "home/secret.html")
    (tides / "folder").symlink_to(tmp_path / "home")
    (tides / "circle.html").symlink_to(tides / "circle.html")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", sqlite_ledger_url)
    return tmp_path / "home"


@pytest.fixture
def ledger(home, sqlite_ledger_url):
    return Ledger(sqlite_ledger_url)
