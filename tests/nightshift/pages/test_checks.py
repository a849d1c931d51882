"""Checks: suites over the nights, failing expectations first, and the report one click away."""

from __future__ import annotations

import re
from contextlib import suppress

import pandas as pd
import pytest

from pipelines.engine.errors import ChecksFailed
from tests.nightshift.pages.houses import shown
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import validate

GOOD, REFUSED, STOPPED = tides.NIGHTS


@pytest.fixture
def house(place, monkeypatch):
    refused = tides.make_rows(REFUSED)
    refused.loc[:2, "wind"] = 99.0
    tides.write(refused, place.rows(REFUSED))
    stopped = tides.make_rows(STOPPED)
    tides.write(pd.concat([stopped, stopped[:5]]), place.rows(STOPPED))
    for night in (GOOD, REFUSED, STOPPED):
        with suppress(ChecksFailed):
            validate(place, night)
    return shown(place, monkeypatch)


def test_each_night_has_a_cell_in_the_row_of_what_it_did_not_meet(viewer, house):
    page = viewer.get("/nightshift/checks/tides").text
    rows = [re.findall(r'<a class="(\w)"[^>]*aria-label="([^"]+)"', row) for row in page.split("<ol ")[1:]]
    assert [[letter for letter, _ in row] for row in rows[:2]] == [["p", "l", "f"], ["p", "q", "a"]]
    assert rows[1][1][1] == f"{REFUSED}: not met"
    assert "wind lies between -5 and 5" in page


def test_the_report_is_one_click_away(viewer, house):
    page = viewer.get("/nightshift/checks/tides").text
    reports = re.findall(r'href="(/nightshift/reports/[^"]+)"', page)
    assert viewer.get(reports[0]).status_code == 200


def test_a_night_that_was_stopped_says_why(viewer, house):
    page = viewer.get("/nightshift/checks/tides").text
    assert f"The rows of {STOPPED} were refused as a whole." in page
    assert "Nights that were stopped" in page
    assert "<pre>" in page


def test_the_list_names_who_was_stopped(viewer, house):
    page = viewer.get("/nightshift/checks").text
    assert "The newest rows of tides were refused as a whole." in page


def test_no_night_yet_says_what_to_do(viewer, ledger, monkeypatch):
    page = viewer.get("/nightshift/checks/flights")
    assert "No night of flights was checked yet." in page.text
    assert "nightshift check flights NIGHT" in page.text


@pytest.mark.parametrize("last", ["0", "401", "x"])
def test_an_odd_span_is_a_sentence(viewer, house, last):
    answer = viewer.get(f"/nightshift/checks/tides?last={last}", headers={"Accept": "application/json"})
    assert (answer.status_code, "last" in answer.json()["detail"]) == (422, True)
