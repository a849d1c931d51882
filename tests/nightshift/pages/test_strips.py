"""Strips of nights: cells, what is told of one, and the chart over weeks."""

from __future__ import annotations

import json

from nightshift.pages.strips import cells_of, over_weeks, told, troubled
from pipelines.engine.views.strip import NO_LONGER_DECLARED, Cell, Strip


def cell(day, state="published", **more):
    known = {"rows_in": 1000, "rows_scored": 990, "rows_quarantined": 10, "model_version": "1", **more}
    return Cell(f"2026-11-{day:02}", state, **(known if state in ("published", "late") else {}))


def strip(*nights, incidents=0, trouble=None):
    return Strip("tides", "", "", "tides_scoring", None, incidents, nights, trouble)


def test_each_cell_is_a_link_that_says_in_words_how_its_night_stands():
    cells = cells_of("/airflow/nightshift", strip(cell(1), cell(2, "failed")))
    assert 'class=p href="/airflow/nightshift/nights/tides/2026-11-01" aria-label="2026-11-01: published"' in cells
    assert 'class=f href="/airflow/nightshift/nights/tides/2026-11-02" aria-label="2026-11-02: failed"' in cells


def test_partition_that_is_no_date_is_escaped():
    cells = cells_of("/nightshift", strip(Cell('"><script>', "published")))
    assert "<script>" not in cells
    assert 'href="/nightshift/nights/tides/%22%3E%3Cscript%3E"' in cells


def test_trouble_is_an_incident_or_a_newest_night_that_is_not_well():
    assert not troubled(strip(cell(1, "failed"), cell(2)))
    assert not troubled(strip(cell(1), trouble=NO_LONGER_DECLARED))
    assert troubled(strip(cell(1), cell(2, "failed")))
    assert troubled(strip(cell(1), incidents=1))
    assert troubled(strip(cell(1), trouble="its declaration cannot be read: no"))


def test_late_night_tells_by_how_much():
    facts = {name: value for name, value, _ in told(cell(1, "late", margin_seconds=-600.0))["facts"]}
    assert facts["promise"] == "10 min late"


def test_chart_marks_where_another_version_began_to_score():
    option = over_weeks(strip(cell(1), cell(2), cell(3, model_version="2"), cell(4, model_version="2")))
    assert [mark["xAxis"] for mark in option["series"][0]["markLine"]["data"]] == ["2026-11-03"]


def test_chart_shows_the_margin_in_whole_hours_where_something_was_promised():
    option = over_weeks(strip(cell(1, margin_seconds=14000.0), cell(2, "late", margin_seconds=-1800.0)))
    axis = option["yAxis"][0]
    assert (axis["min"], axis["max"], axis["interval"]) == (-7200, 14400, 7200)
    assert [bar["itemStyle"]["color"] for bar in option["series"][0]["data"]] == ["--good", "--late"]
    assert len(over_weeks(strip(cell(1), cell(2)))["series"]) == 2


def test_nights_without_publication_leave_a_gap():
    option = over_weeks(strip(cell(1), cell(2, "failed"), cell(3)))
    assert option["series"][0]["data"] == [1000, None, 1000]
    json.dumps(option)


def test_one_night_is_no_chart():
    assert over_weeks(strip(cell(1))) is None
