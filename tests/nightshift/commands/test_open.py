"""`nightshift open`: the address of each page."""

from __future__ import annotations

import json
import stat

import pytest

from tests.nightshift.commands.houses import FAILED
from tests.pipelines.engine.incidents.nights import DUE, ID, verdict
from tests.pipelines.engine.incidents.shop import Shop
from tests.pipelines.engine.steps.places import _suites

__all__ = ["_suites"]

UI = "https://airflow.example.org/team"


@pytest.fixture
def opened(nightshift, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_AIRFLOW_UI", f"{UI}/")
    return lambda *words: nightshift("open", *words).stdout.strip()


def test_each_page_has_its_address(opened, home):
    key = home.ledger.entries(limit=1)[0].key
    assert opened() == f"{UI}/plugin/nightshift"
    assert opened("nights", "tides") == f"{UI}/nightshift/nights/tides"
    assert opened("night", "tides", "last") == f"{UI}/nightshift/nights/tides/{FAILED}"
    assert opened("models", "tides") == f"{UI}/nightshift/models/tides"
    assert opened("checks", "tides") == f"{UI}/nightshift/checks/tides"
    assert opened("incidents") == f"{UI}/nightshift/incidents"
    shop = Shop(home.settings.ledger_url)
    shop.settle(verdict("late"), now=DUE)
    shop.close()
    assert opened("incidents", ID[:6]) == f"{UI}/nightshift/incidents/{ID}"
    assert opened("key", key[:12]) == f"{UI}/nightshift/keys/{key}"


def test_addresses_are_those_of_pages_that_there_are(opened, home):
    from starlette.routing import Match

    from nightshift.pages.app import fastapi_app

    app = fastapi_app()
    key = home.ledger.entries(limit=1)[0].key
    pages = [("nights", "tides"), ("night", "tides", "last"), ("models",), ("checks",), ("incidents",), ("key", key)]
    for words in pages:
        path = opened(*words).removeprefix(f"{UI}{app['url_prefix']}")
        asked = {"type": "http", "method": "GET", "path": path, "headers": []}
        [found, *_] = [route for route in app["app"].routes if route.matches(asked)[0] is Match.FULL]
        assert found.path != "/{path:path}", words


def test_model_in_mlflow_has_its_address_where_a_server_is_known(opened, nightshift, monkeypatch):
    assert "mlflow server" in nightshift("open", "mlflow", code=2).stderr
    monkeypatch.setenv("NIGHTSHIFT_MLFLOW_UI", "https://mlflow.example.org/")
    assert opened("mlflow", "tides") == "https://mlflow.example.org/#/models/tides"


def test_browser_is_asked_only_when_wanted_and_none_is_no_error(nightshift, monkeypatch, tmp_path):
    monkeypatch.setenv("NIGHTSHIFT_AIRFLOW_UI", UI)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    result = nightshift("open", "incidents", "--browser")
    assert result.stdout.strip() == f"{UI}/nightshift/incidents"
    assert "No browser" in result.stderr
    browser, shown = tmp_path / "browser", tmp_path / "shown"
    browser.write_text(f'#!/bin/sh\necho "$1" > {shown}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BROWSER", str(browser))
    assert not json.loads(nightshift("open", "incidents", "--json").stdout)["opened"]
    assert not shown.exists()
    assert json.loads(nightshift("open", "incidents", "--browser", "--json").stdout)["opened"]
    assert shown.read_text().strip() == f"{UI}/nightshift/incidents"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nigths",), "Did you mean 'nights'?"),
        (("night", "tides"), "expected: nightshift open night PIPELINE NIGHT"),
        (("models", "tydes"), "Did you mean 'tides'?"),
        (("key", "ffffffff"), "no key that begins with"),
    ],
)
def test_pages_that_are_not_there_are_answered_in_words(opened, nightshift, words, said):
    assert said in nightshift("open", *words, code=2).stderr


def test_without_any_airflow_it_says_how_to_start_one(nightshift):
    assert "nightshift up" in nightshift("open", code=2).stderr
