"""A night: what happened, what readers saw, and which rows were refused."""

from __future__ import annotations

import dataclasses
import re
import time
from itertools import pairwise

import pytest

import pipelines.engine.catalog
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.store import Ledger
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night, validate

FIRST, SECOND, _ = tides.NIGHTS
STRANGE = 98.7654


@pytest.fixture
def house(place, monkeypatch):
    """A place that the pages look at, and whose pipeline the catalog knows."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(place.home))
    declared(monkeypatch, place.pipeline)
    return place


def declared(monkeypatch, pipeline):
    """Let the catalog know a pipeline, as if it lay in `pipelines/`."""
    monkeypatch.setattr(pipelines.engine.catalog, "load_pipeline", lambda name: pipeline)


def strange_winds(place, night, rows):
    delivered = tides.make_rows(night)
    delivered.loc[: rows - 1, "wind"] = STRANGE
    tides.write(delivered, place.rows(night))


def words(page):
    """The text of a page, with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)).replace(" .", ".").replace(" ,", ",")


def test_published_night_shows_steps_checks_scores_and_what_readers_see(viewer, house):
    run_night(house, FIRST)
    strange_winds(house, SECOND, 3)
    run_night(house, SECOND)
    page = viewer.get(f"/nightshift/nights/tides/{SECOND}")
    said = words(page)
    assert page.status_code == 200
    assert "297 of 300 rows were scored by model version 1, 3 refused" in said
    assert re.findall(r'<rect class="took (\w+)"', page.text)[:5] == ["done"] * 5
    assert "wind lies between -5 and 5" in said
    assert "How the scores of this night spread" in page.text
    assert re.search(r"Cost [\d.]+ m?s of CPU [\d.]+ [kM]B read", said)
    assert "first publication" in said
    assert f'href="/nightshift/nights/tides/{FIRST}" rel="prev"' in page.text
    assert 'rel="next"' not in page.text
    headings = [int(level) for level in re.findall(r"<h(\d)", page.text)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_refused_rows_are_shown_by_reason(viewer, house):
    strange_winds(house, FIRST, 3)
    run_night(house, FIRST)
    said = words(viewer.get(f"/nightshift/nights/tides/{FIRST}/refused"))
    assert "3 rows were refused" in said
    assert f"{FIRST}-00000" in said
    assert str(STRANGE) in said


def test_sensitive_columns_of_refused_rows_are_hidden(viewer, house, monkeypatch):
    secret = tides.declare(rows=dataclasses.replace(house.pipeline.rows, sensitive=["wind"]))
    strange_winds(house, FIRST, 3)
    run_night(house.changed(secret), FIRST)
    declared(monkeypatch, secret)
    for path in ("", "/refused"):
        page = viewer.get(f"/nightshift/nights/tides/{FIRST}{path}")
        assert str(STRANGE) not in page.text, path
    assert "Values of wind are hidden" in words(page)


def test_rows_of_a_pipeline_that_cannot_be_read_are_not_shown_because_nobody_knows_what_is_sensitive(
    viewer, place, monkeypatch
):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(place.home))
    strange_winds(place, FIRST, 3)
    run_night(place, FIRST)
    page = viewer.get(f"/nightshift/nights/tides/{FIRST}/refused")
    assert page.status_code == 404
    assert "The rows are not shown, because tides cannot be read" in words(page)
    assert f"{FIRST}-00000" not in page.text


def test_stopped_night_says_why_and_shows_its_report_and_its_refused_rows(viewer, house):
    strange_winds(house, FIRST, 200)
    with pytest.raises(Exception, match="refused"):
        validate(house, FIRST)
    page = viewer.get(f"/nightshift/nights/tides/{FIRST}")
    said = words(page)
    assert "Failed in validate. Nothing of this night is published." in said
    assert "200 of 300 rows were refused (66.7%); at most 10.0% may be." in said
    [report] = set(re.findall(r'href="(/nightshift/reports/[^"]+)"', page.text))
    assert "wind lies between -5 and 5" in viewer.get(report).text
    refused = words(viewer.get(f"/nightshift/nights/tides/{FIRST}/refused"))
    assert "200 rows were refused" in refused
    assert "They stopped the night" in refused


def test_second_delivery_shows_what_readers_saw_before(viewer, house):
    run_night(house, FIRST)
    tides.write(tides.make_rows(FIRST).head(200), house.rows(FIRST))
    run_night(house, FIRST)
    table = viewer.get(f"/nightshift/nights/tides/{FIRST}").text.split("What readers saw")[1].split("</table>")[0]
    assert re.findall(r'<td class="number">(200|300)</td>', table) == ["200", "300"]
    assert "the rows were delivered again" in table
    assert table.count("<strong>now</strong>") == 1


def test_takeover_is_told_in_words(viewer, house):
    run_night(house, FIRST)
    key = TaskKey(pipeline="tides", step="score", partition=f"{FIRST}#7")
    Ledger(house.settings.ledger_url, lease_seconds=0.05).claim(key, holder="lost worker")
    time.sleep(0.1)
    house.ledger.claim(key, holder="new worker")
    said = words(viewer.get(f"/nightshift/nights/tides/{FIRST}"))
    assert "taken over 1 time" in said
    assert "new worker took it over, because the lease of lost worker had run out" in said


def test_unknown_night_names_the_nearest_and_says_how_to_score_it(viewer, house):
    run_night(house, FIRST)
    page = viewer.get("/nightshift/nights/tides/2024-03-60")
    assert page.status_code == 404
    assert f"Did you mean &#39;{FIRST}&#39;?" in page.text
    assert "To score it: nightshift score tides" in page.text


@pytest.mark.parametrize("night", ["%00", "'%20OR%201=1", "..%2f..", "<b>", "x" * 300, "2024-03-06%230"])
def test_what_can_be_no_night_is_a_page_in_words(viewer, house, night):
    run_night(house, FIRST)
    page = viewer.get(f"/nightshift/nights/tides/{night}")
    assert page.status_code == 404
    assert "Traceback" not in page.text
    assert "<b>" not in page.text
