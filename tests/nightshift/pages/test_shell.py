"""What holds for every page: the login, the headers, static files, refusals in words, and what is not loaded too early."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from nightshift.pages.rendering import HERE
from nightshift.pages.static_files import TYPES
from tests.nightshift.pages.routes import routes_of


def test_nothing_at_all_is_answered_without_login(airflow_app, anonymous, home):
    [ours] = [route.app for route in airflow_app.routes if getattr(route, "path", "") == "/nightshift"]
    asked = routes_of(ours)
    assert len(asked) > 20
    assert {anonymous.request(method, f"/nightshift{path}").status_code for method, path in asked} == {401}


def test_who_is_not_logged_in_is_told_to_log_in_and_given_no_file_of_ours(anonymous, home):
    page = anonymous.get("/nightshift/nights")
    assert "Log in to Airflow" in page.text
    assert "/static/" not in page.text
    assert page.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("page", ["docs", "redoc", "openapi.json"])
def test_the_application_describes_itself_to_nobody(anonymous, viewer, home, page):
    assert anonymous.get(f"/nightshift/{page}").status_code == 401
    assert viewer.get(f"/nightshift/{page}").status_code == 404


def test_pages_run_our_own_scripts_alone_and_are_framed_by_airflow_alone(viewer, ledger):
    page = viewer.get("/nightshift/nights")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert policy["frame-ancestors"] == "'self'"
    assert not re.search(r"<script(?![^>]*(src=|application/json))|<style| style=| on\w+=", page.text)
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)


def test_every_static_file_is_served_with_its_type_and_asked_for_once(viewer, home):
    files = [file for file in (HERE / "static").rglob("*") if file.is_file()]
    assert len(files) > 5
    for file in files:
        path = f"/nightshift/static/{file.relative_to(HERE / 'static')}"
        answer = viewer.get(path)
        assert (answer.status_code, answer.content) == (200, file.read_bytes()), path
        assert answer.headers["content-type"].startswith(TYPES[file.suffix])
        assert viewer.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("path", ["../app.py", "%2e%2e/app.py", "vendor", "..%2fapp.py", "none.js"])
def test_nothing_but_static_files_is_served_as_one(viewer, home, path):
    assert viewer.get(f"/nightshift/static/{path}").status_code == 404


def test_the_chart_library_is_the_one_that_its_note_names():
    folder = HERE / "static/vendor"
    note = (folder / "README.txt").read_text()
    said = dict(line.split(maxsplit=2)[:2] for line in note.splitlines() if re.match(r"(file|version|sha256) ", line))
    assert hashlib.sha256((folder / said["file"]).read_bytes()).hexdigest() == said["sha256"]
    assert said["version"] in said["file"]
    assert (folder / "echarts-LICENSE.txt").read_text().lstrip().startswith("Apache License")
    assert f"vendor/{said['file']}" in (HERE / "static/charts.js").read_text()


def test_a_page_that_is_not_there_is_a_page_in_words_and_json_for_who_asks_for_json(viewer, home, ledger):
    page = viewer.get("/nightshift/nihgts")
    assert page.status_code == 404
    assert "There is no page &#39;nihgts&#39; here" in page.text
    assert (
        viewer.get("/nightshift/nihgts", headers={"Accept": "application/json"}).json()["detail"].startswith("there is")
    )


@pytest.mark.parametrize("path", ["nights", "nights/tides", "nights/tides/2024-03-06", "keys/abc", "of-dag?dag_id=x"])
def test_a_ledger_that_cannot_be_asked_is_a_page_that_says_what_to_do(viewer, home, monkeypatch, path):
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", f"sqlite:///{home}/none.db")
    page = viewer.get(f"/nightshift/{path}")
    assert page.status_code == 503
    assert "Run `nightshift migrate` once" in page.text
    assert "Traceback" not in page.text


def test_a_mistake_of_ours_is_a_page_without_a_traceback(airflow_app, viewer, ledger, monkeypatch):
    import pipelines.engine.views.house

    def broken(*_, **__):
        raise ZeroDivisionError("a secret of ours")

    monkeypatch.setattr(pipelines.engine.views.house.House, "strips", broken)
    page = TestClient(airflow_app, headers=viewer.headers, raise_server_exceptions=False).get("/nightshift/nights")
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.text
    assert "a secret of ours" not in page.text
    assert "Traceback" not in page.text


def test_wrong_parameters_are_a_page_in_words(viewer, ledger):
    page = viewer.get("/nightshift/nights?last=many")
    assert page.status_code == 422
    assert "In the address, last: Input should be a valid integer" in page.text


def test_the_plugin_loads_neither_airflows_server_nor_the_views_before_somebody_asks():
    found = subprocess.run(
        [sys.executable, "-c", "import nightshift_plugin, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={**_environment()},
    ).stdout.split()
    heavy = {"airflow.api_fastapi.core_api.security", "pipelines.engine.views.house", "pandas", "pyarrow", "mlflow"}
    assert not heavy & set(found)


def _environment():
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
