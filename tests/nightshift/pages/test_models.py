"""Models: who is champion, why, and what MLflow says about it."""

from __future__ import annotations

import itertools
import re
import shutil

import pytest

from nightshift.pages.intervals import bars
from pipelines.engine.views.house import House
from tests.nightshift.pages.houses import client_of, shown
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night, run_training


@pytest.fixture
def house(moved, monkeypatch):
    return shown(moved, monkeypatch)


@pytest.fixture
def admin(airflow_app):
    return client_of(airflow_app, "admin")


def words(page):
    """The text of a page, with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def test_the_list_names_champion_previous_and_challenger(viewer, house):
    run_night(house, tides.NIGHTS[0])
    said = words(viewer.get("/nightshift/models"))
    assert "version 2" in said
    assert "1 night" in said
    assert "Newer than the champion, and not promoted: tides (version 3)." in said


def test_a_model_shows_its_three_versions_their_verdicts_and_the_journal(viewer, house):
    page = viewer.get("/nightshift/models/tides")
    said = words(page)
    assert page.status_code == 200
    assert "Version 2 is champion; it has scored no night yet." in said
    assert "Version 3 is newer, and the gate refused it" in said
    assert said.count("by the gate") == 2
    headings = [int(level) for level in re.findall(r"<h(\d)", page.text)]
    assert (headings[0], headings.count(1)) == (1, 1)
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))


def test_actions_are_offered_to_who_may_take_them(viewer, admin, house):
    offered, refused = (client.get("/nightshift/models/tides").text for client in (admin, viewer))
    assert 'data-opens="roll-back"' in offered
    assert 'data-opens="promote-3"' in offered
    assert "data-opens" not in refused
    assert "data-action" not in refused
    assert "need a role that may" in refused


def test_a_refused_version_is_promoted_behind_a_checkbox_that_says_what_it_means(admin, house):
    page = admin.get("/nightshift/models/tides/versions/3").text
    assert 'name="despite_gate" required' in page
    assert "The gate did not open for it" in page
    assert "despite_gate" not in admin.get("/nightshift/models/tides/versions/1").text


def test_a_version_shows_its_numbers_and_lineage(viewer, house):
    run_night(house, tides.NIGHTS[0])
    page = viewer.get("/nightshift/models/tides/versions/2")
    said = words(page)
    assert "roc_auc the gate asks this" in said
    assert f"Training as of {tides.AS_OF}" in said
    assert f'href="/nightshift/nights/tides/{tides.NIGHTS[0]}"' in page.text


def test_pictures_of_the_training_are_shown_as_long_as_they_are_there(viewer, fresh, monkeypatch):
    house = shown(fresh, monkeypatch)
    run_training(house)
    page = viewer.get("/nightshift/models/tides/versions/1").text
    pictures = re.findall(r'<img src="([^"]+)" alt="([^"]+)"', page)
    assert "Chart of the training: roc" in [said for _, said in pictures]
    assert {viewer.get(path).headers["content-type"] for path, _ in pictures} == {"image/png"}
    shutil.rmtree(house.settings.reports)
    assert "<img" not in viewer.get("/nightshift/models/tides/versions/1").text


@pytest.mark.parametrize("version", ["9", "x", "%00", "2'--"])
def test_a_version_that_there_is_not_is_a_sentence(viewer, house, version):
    answer = viewer.get(f"/nightshift/models/tides/versions/{version}", headers={"Accept": "application/json"})
    assert answer.status_code == 404


def test_mlflow_agrees_or_the_difference_is_said(viewer, house):
    told = viewer.get("/nightshift/models/tides/registry").json()
    assert (told["agrees"], told["sentence"]) == (True, "MLflow agrees: the champion is version 2.")
    with house.runtime.registry._store.speaking() as client:
        client.set_registered_model_alias("tides", "champion", "1")
    told = viewer.get("/nightshift/models/tides/registry").json()
    assert (told["answers"], told["agrees"], told["champion"]) == (True, False, "1")
    assert "the ledger remembers version 2. The next night is scored by what MLflow says." in told["sentence"]


def test_a_model_without_a_version_says_what_to_do(viewer, fresh, monkeypatch):
    shown(fresh, monkeypatch)
    run = viewer.get("/nightshift/models/tides", headers={"Accept": "application/json"})
    assert run.status_code in (200, 404)
    assert viewer.get("/nightshift/models").status_code == 200


def test_bars_lie_on_one_scale_with_the_threshold(house):
    view = House(house.settings).model("tides")
    drawn = bars(view)
    assert set(drawn) == {"1", "2", "3"}
    in_order = sorted(drawn.values(), key=lambda bar: bar.value)
    assert [bar.at for bar in in_order] == sorted(bar.at for bar in in_order)
    assert len({bar.threshold for bar in drawn.values()}) == 1
    assert all(0 <= bar.at <= 100 for bar in drawn.values())
