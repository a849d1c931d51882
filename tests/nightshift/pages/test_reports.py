"""Reports are served, and nothing else that lies beside them."""

from __future__ import annotations

import json

import pytest

from nightshift.connections import open_storage
from nightshift.drill.servers.object_store import REGION
from pipelines.engine.settings import read_settings
from pipelines.engine.storage import clients


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
    assert "does not answer" in answer.text
    assert "kept-to-oneself" not in answer.text
