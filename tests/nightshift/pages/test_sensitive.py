"""A value of a sensitive column, planted in refused rows, is on no page and in no answer of the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import pipelines.engine.catalog
from nightshift.cli import cli
from pipelines.engine.pipeline import Rows
from pipelines.engine.views.house import House
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import run_night

NIGHT = tides.NIGHTS[0]
SECRET = "Ada-Lovelace-1815"
DEPTH = 19_770_815


@pytest.fixture
def told(place, viewer, monkeypatch, tmp_path):
    """Returns everything that people can see of a night in which the secret was refused."""

    def tell(sensitive):
        columns = place.pipeline.rows.columns
        house = place.declared(rows=Rows(columns=columns, sensitive=sensitive))
        monkeypatch.setenv("NIGHTSHIFT_HOME", str(place.home))
        monkeypatch.setattr(pipelines.engine.catalog, "load_pipeline", lambda name: house.pipeline)
        rows = tides.make_rows(NIGHT)
        rows.loc[0, ["buoy", "wind"]] = [SECRET, 99.0]
        rows.loc[:, "depth"] = DEPTH
        tides.write(rows, house.rows(NIGHT))
        run_night(house, NIGHT)
        view = House(house.settings).night("tides", NIGHT)
        return [*_pages(viewer, view), *_answers(view, tmp_path)]

    return tell


def _pages(viewer, view):
    ways = [f"nights/tides/{NIGHT}", f"nights/tides/{NIGHT}/refused", "nights/tides"]
    ways += [f"keys/{key.key}" for key in view.keys]
    ways += [f"reports/{path}" for path in (view.checked.report, view.night_report)]
    for way in ways:
        answer = viewer.get(f"/nightshift/{way}")
        assert answer.status_code == 200, way
        yield answer.text


def _answers(view, folder):
    commands = [
        ["status", "tides"],
        ["night", NIGHT, "--pipeline", "tides"],
        ["quarantine", "tides", NIGHT],
        ["night-report", "tides", NIGHT, "--output", str(folder / "night.html")],
        *(["keys", "show", key.key] for key in view.keys),
        *(["explain", key.key] for key in view.keys),
    ]
    for words in commands:
        for more in ([], ["--json"]) if words[0] != "night-report" else ([],):
            ran = CliRunner().invoke(cli, [*words, *more])
            assert ran.exit_code == 0, ran.output
            yield ran.output
    yield (folder / "night.html").read_text()


def test_secret_is_told_nowhere(told):
    seen = "\n".join(told(["buoy", "depth"]))

    assert "(hidden)" in seen
    assert SECRET not in seen
    assert str(DEPTH) not in seen
    assert f"{DEPTH:,}" not in seen


def test_value_that_is_not_declared_sensitive_is_told(told):
    assert SECRET in "\n".join(told([]))
