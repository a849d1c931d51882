"""Reports and key pages inside Airflow's real web application."""

from __future__ import annotations

import json

import pytest

from nightshift.connections import open_storage
from nightshift.drill.servers.object_store import REGION
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.settings import read_settings
from pipelines.engine.storage import clients

KEY = TaskKey(pipeline="tides", step="score", partition="2024-03-06#0", inputs={"rows": "<b>bold</b>"})


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


@pytest.mark.parametrize("page", ["reports/tides/2024-03-06/checks.html", "reports/none.html", f"keys/{KEY.digest}"])
def test_nothing_is_shown_without_login(anonymous, home, page):
    assert anonymous.get(f"/nightshift/{page}").status_code == 401


@pytest.mark.parametrize("page", ["docs", "redoc", "openapi.json"])
def test_the_application_describes_itself_to_nobody(anonymous, viewer, home, page):
    assert anonymous.get(f"/nightshift/{page}").status_code in (401, 404)
    assert viewer.get(f"/nightshift/{page}").status_code == 404


def test_a_report_is_shown_to_whoever_may_see_dags_and_may_run_no_scripts(viewer, home):
    answer = viewer.get("/nightshift/reports/tides/2024-03-06/checks.html")
    assert (answer.status_code, answer.text) == (200, "<html>the report</html>")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert viewer.get("/nightshift/reports/tides/roc.png").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html",
        "%2e%2e/secret.html",
        "..%2fsecret.html",
        "tides/../../secret.html",
        "tides/%2e%2e/%2e%2e/secret.html",
        "../reports-of-others/other.html",
        "%2fetc%2fpasswd",
        "/etc/hostname",
        "tides/link.html",
        "tides/folder/secret.html",
        "tides/circle.html",
        "tides/2024-03-06/../../../secret.html",
        "%252e%252e/secret.html",
        "..%5csecret.html",
        "%EF%BC%8E%EF%BC%8E/secret.html",
        "tides//2024-03-06/checks.html",
        "tides/rows.parquet",
        "tides",
        "none.html",
        "tides/%00.html",
        f"{'a' * 300}.html",
    ],
)
def test_nothing_outside_the_reports_and_nothing_but_reports_is_served(viewer, home, path):
    answer = viewer.get(f"/nightshift/reports/{path}")
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace("secret.html", "")


def test_reports_are_served_from_a_folder_that_is_itself_a_link(viewer, home):
    (home / "reports").rename(home.parent / "large-disk")
    (home / "reports").symlink_to(home.parent / "large-disk")
    assert viewer.get("/nightshift/reports/tides/2024-03-06/checks.html").status_code == 200
    assert viewer.get("/nightshift/reports/tides/link.html").status_code == 404


@pytest.fixture
def in_a_bucket(home, proxy, bucket, monkeypatch):
    """Settings whose reports lie in an object store, which Airflow's connection knows; and its folder."""
    who = {"login": "us", "password": "kept-to-oneself", "extra": {"endpoint_url": proxy.url, "region_name": REGION}}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws", **who}))
    monkeypatch.setenv("NIGHTSHIFT_REPORTS", f"s3://{bucket}/reports")
    monkeypatch.setattr(clients, "TRIES", 1)
    return open_storage(read_settings()).at(f"s3://{bucket}/reports")


def test_a_report_that_lies_in_a_bucket_is_shown(viewer, in_a_bucket):
    (in_a_bucket / "tides/2024-03-06/a b.html").write_text("<html>the report</html>")
    (in_a_bucket / "tides/rows.parquet").write_text("rows")
    (in_a_bucket.parent / "secret.html").write_text("a secret")
    answer = viewer.get("/nightshift/reports/tides/2024-03-06/a%20b.html")
    assert (answer.status_code, answer.text) == (200, "<html>the report</html>")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for none in ("tides/none.html", "tides/rows.parquet", "tides", "../secret.html", "%2e%2e/secret.html"):
        assert viewer.get(f"/nightshift/reports/{none}").status_code == 404


def test_a_bucket_that_does_not_answer_is_a_sentence(viewer, in_a_bucket, proxy):
    proxy.down()
    answer = viewer.get("/nightshift/reports/tides/2024-03-06/checks.html")
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["detail"]
    assert "kept-to-oneself" not in answer.text


def test_a_key_page_tells_the_story_and_escapes_what_it_tells(viewer, ledger):
    claim = ledger.claim(KEY, holder="<script>alert(1)</script>")
    ledger.fail(claim, "</pre><script>alert(2)</script>")
    answer = viewer.get(f"/nightshift/keys/{KEY.digest}")
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; claimed it" in answer.text
    assert "failed" in answer.text


def test_a_key_is_found_by_its_first_digits(viewer, ledger):
    ledger.finish(ledger.claim(KEY, holder="me"), {"rows": 3})
    answer = viewer.get(f"/nightshift/keys/{KEY.short}")
    assert answer.status_code == 200
    assert "tides / score / 2024-03-06#0" in answer.text


def test_an_unknown_key_is_a_sentence(viewer, ledger):
    answer = viewer.get("/nightshift/keys/abcdef")
    assert (answer.status_code, answer.json()) == (404, {"detail": "the ledger has no key abcdef"})


@pytest.mark.parametrize("digest", ["%00", "%25", "'%20OR%201=1%20--", "..%2f..", "0" * 70, "%F0%9F%8C%99"])
def test_what_can_be_no_key_is_a_sentence(viewer, ledger, digest):
    ledger.claim(KEY, holder="me")
    answer = viewer.get(f"/nightshift/keys/{digest}")
    assert answer.status_code == 404
    assert KEY.digest not in answer.text


def test_first_digits_of_two_keys_are_a_sentence(viewer, ledger):
    for number in range(20):
        ledger.claim(TaskKey(pipeline="tides", step="score", partition=str(number)), holder="me")
    shared = next(digit for digit in "0123456789abcdef" if _count(ledger, digit) > 1)
    answer = viewer.get(f"/nightshift/keys/{shared}")
    assert answer.status_code == 404
    assert "begins more than one key" in answer.json()["detail"]


def _count(ledger, digit):
    return sum(entry.key.startswith(digit) for entry in ledger.entries())


def test_a_ledger_that_cannot_be_asked_is_a_sentence(viewer, home, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", f"sqlite:///{home}/none.db")
    answer = viewer.get(f"/nightshift/keys/{KEY.digest}")
    assert answer.status_code == 503
    assert "Run `nightshift migrate` once" in answer.json()["detail"]
