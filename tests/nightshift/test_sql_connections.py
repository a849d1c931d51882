"""Where a database with rows is may be an Airflow connection."""

from __future__ import annotations

import json

import pytest

from nightshift.connections.sql import sql_address
from pipelines.engine.errors import UsageError
from pipelines.engine.settings import read_settings


def said(monkeypatch, **connection):
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(connection))


@pytest.fixture
def settings(tmp_path):
    return read_settings({"NIGHTSHIFT_HOME": str(tmp_path)})


def test_a_postgres_connection_is_an_address(monkeypatch, settings):
    extra = {"sslmode": "require", "cursor": "dictcursor"}
    said(
        monkeypatch,
        conn_type="postgres",
        host="db",
        login="me",
        password="a/b@c",
        port=6543,
        schema="lake",
        extra=extra,
    )
    assert sql_address("lake", settings) == "postgresql://me:a%2Fb%40c@db:6543/lake?sslmode=require"


def test_a_file_is_an_address(monkeypatch, settings):
    said(monkeypatch, conn_type="sqlite", host="/lake/rows.db")
    assert sql_address("lake", settings) == "sqlite:////lake/rows.db"


def test_a_connection_that_leads_elsewhere_is_refused(monkeypatch, settings):
    said(monkeypatch, conn_type="aws", login="me", password="swordfish")
    with pytest.raises(UsageError, match="is of type 'aws'; rows are read from postgres or sqlite") as caught:
        sql_address("lake", settings)
    assert "swordfish" not in str(caught.value)
