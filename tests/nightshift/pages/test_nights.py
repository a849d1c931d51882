"""Nights: is last night good, what was before it, and who is shown which pipelines."""

from __future__ import annotations

import re

import pytest

from nightshift.pages.nights import spans_for
from pipelines.engine.ledger.observations import Observations
from pipelines.engine.promises.values import Declaration, Promise
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night, validate

FIRST, SECOND, THIRD = tides.NIGHTS
DAG = "tides_scoring"


@pytest.fixture
def house(place, monkeypatch):
    """A place that the pages look at, whose scoring DAG is declared with a promise."""
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(place.home))
    promise = Promise(kind="finish_by", dag_id=DAG, at="06:00")
    declared = Declaration(DAG, kind="scoring", pipeline="tides", owner="sea-science", promises=(promise,))
    Observations(place.settings.ledger_url).declare([declared.to_json()])
    return place


@pytest.fixture
def stranger(airflow_app, viewer, monkeypatch):
    """A client whom Airflow lets read other DAGs than the one of the tides."""
    manager = airflow_app.state.auth_manager
    decide = type(manager).is_authorized_dag

    def decided(*, method, user, access_entity=None, details=None):
        hidden = details is not None and details.id == DAG
        return not hidden and decide(manager, method=method, user=user, access_entity=access_entity, details=details)

    monkeypatch.setattr(manager, "is_authorized_dag", decided)
    return viewer


def strange_winds(place, night, rows):
    delivered = tides.make_rows(night)
    delivered.loc[: rows - 1, "wind"] = 99.0
    tides.write(delivered, place.rows(night))


def cells(page):
    """By night: the letter of its state."""
    return {night: state for state, night in re.findall(r'<a class=(\w) href="[^"]*/(\d{4}-\d\d-\d\d)"', page)}


def test_published_night_is_the_first_thing_said(viewer, house):
    run_night(house, FIRST)
    page = viewer.get("/nightshift/nights").text
    assert f"Last night, {FIRST}: 1 of 1 published." in page
    assert '<div class="headline good">' in page
    assert f'href="/nightshift/nights/tides/{FIRST}" aria-label="{FIRST}: published"' in page
    assert "sea-science" in page
    assert "promised by 06:00 UTC" in page


def test_failed_night_is_said_first_and_nights_between_are_shown_as_absent(viewer, house):
    run_night(house, FIRST)
    strange_winds(house, THIRD, 200)
    with pytest.raises(Exception, match="refused"):
        validate(house, THIRD)
    page = viewer.get("/nightshift/nights").text
    assert f"Last night, {THIRD}: 0 of 1 published." in page
    assert "Failed: tides." in page
    assert '<div class="headline bad">' in page
    assert cells(page) == {FIRST: "p", SECOND: "a", THIRD: "f"}


def test_pipeline_without_nights_is_told_how_to_begin(viewer, home, ledger):
    page = viewer.get("/nightshift/nights").text
    assert "No night was scored yet." in page
    assert "nightshift data flights" in page


def test_details_of_a_strip_are_rows_share_model_and_moment(viewer, house):
    strange_winds(house, FIRST, 3)
    run_night(house, FIRST)
    said = viewer.get("/nightshift/nights/tides/details").json()[FIRST]
    facts = {name: value for name, value, _ in said["facts"]}
    assert said["title"] == f"{FIRST}: published"
    assert (facts["rows"], facts["refused"], facts["model"]) == ("300", "1 %", "version 1")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", {name: at for name, _, at in said["facts"]}["published"])


def test_only_trouble_and_a_name_leave_out_the_others(viewer, house):
    run_night(house, FIRST)
    calm = viewer.get("/nightshift/nights?trouble=true").text
    assert "No trouble" in calm
    assert "Show all" in calm
    assert "/nightshift/nights/flights?" not in viewer.get("/nightshift/nights?name=TID").text
    assert "No pipeline has &lt;b&gt; in its name." in viewer.get("/nightshift/nights?name=<b>").text


def test_weeks_are_a_chart_and_the_same_as_a_table(viewer, house):
    for night in (FIRST, SECOND):
        run_night(house, night)
    page = viewer.get("/nightshift/nights/tides").text
    assert 'role="img" aria-label="Margin to the promise, rows and refused share of the nights of tides' in page
    assert "The same as a table" in page
    assert page.count('<th scope="row">') == 2


def test_unknown_pipeline_names_the_nearest(viewer, house):
    run_night(house, FIRST)
    page = viewer.get("/nightshift/nights/tidse")
    assert page.status_code == 404
    assert "Did you mean &#39;tides&#39;?" in page.text


def test_who_may_not_read_the_dag_sees_nothing_of_its_pipeline(stranger, house):
    night = run_night(house, FIRST)
    report = night.checked["report"].removeprefix(f"{house.settings.reports}/")
    listed = stranger.get("/nightshift/nights")
    assert listed.status_code == 200
    assert "tides" not in listed.text
    for path in (
        "nights/tides",
        "nights/tides/details",
        f"nights/tides/{FIRST}",
        f"nights/tides/{FIRST}/refused",
        f"keys/{night.published['key']}",
        f"reports/{report}",
        f"of-dag?dag_id={DAG}",
    ):
        assert stranger.get(f"/nightshift/{path}").status_code == 403, path
    assert "tides" not in stranger.get("/nightshift/nights/tidse").text.replace("tidse", "")


def test_dag_whose_file_is_gone_still_guards_its_pipeline(stranger, house):
    run_night(house, FIRST)
    Observations(house.settings.ledger_url).declare([])
    assert stranger.get("/nightshift/nights/tides").status_code == 403


def test_who_may_read_the_dag_sees_its_reports(viewer, house):
    night = run_night(house, FIRST)
    report = night.checked["report"].removeprefix(f"{house.settings.reports}/")
    assert viewer.get(f"/nightshift/reports/{report}").status_code == 200


def test_many_pipelines_offer_fewer_nights_each():
    assert spans_for(3) == (30, 60, 120, 400)
    assert spans_for(50) == (30, 60, 120)
    assert spans_for(1000) == (30,)
