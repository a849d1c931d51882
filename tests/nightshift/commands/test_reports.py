"""The reports as files of one's own, from a place where a night was published and another one failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from nightshift.cli import cli
from pipelines.engine import catalog
from pipelines.engine.errors import ChecksFailed
from tests.pipelines.engine.reports.pages import Page
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import _suites, fresh_home, place, run_night, trained_home, validate

__all__ = ["_suites", "fresh_home", "place", "trained_home"]
GOOD, BAD = tides.NIGHTS[:2]


@pytest.fixture
def nightshift(place, monkeypatch, tmp_path):
    """Runs a command in a folder of its own, where tides are a pipeline like any other."""
    monkeypatch.chdir(tmp_path)
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(catalog, "load_pipeline", lambda name: place.pipeline)
    run_night(place, GOOD)
    rows = tides.make_rows(BAD)
    rows["buoy"] = "the same"
    tides.write(rows, place.rows(BAD))
    with pytest.raises(ChecksFailed):
        validate(place, BAD)

    def invoke(*words, code=0):
        ran = CliRunner().invoke(cli, words)
        assert ran.exit_code == code, ran.output
        return ran

    return invoke


def test_reports_are_written_where_one_stands(nightshift, tmp_path):
    assert nightshift("night-report", "tides", GOOD).stdout.strip() == str(tmp_path / f"tides-{GOOD}.html")
    assert nightshift("model-card", "tides", "1").stdout.strip() == str(tmp_path / "tides-version-1.html")

    assert "300 of 300 rows were scored" in Page((tmp_path / f"tides-{GOOD}.html").read_text()).text
    assert "tides, version 1" in Page((tmp_path / "tides-version-1.html").read_text()).text


def test_failed_night_has_a_report_and_last_names_it(nightshift, tmp_path):
    nightshift("night-report", "tides", "last", "--output", str(tmp_path / "bad.html"))
    page = Page((tmp_path / "bad.html").read_text())

    assert "Failed in validate." in page.text
    assert "buoy is unique: 300 of 300 rows" in page.text


def test_links_lead_to_the_files_from_anywhere(nightshift, tmp_path):
    nightshift("night-report", "tides", GOOD)
    [way] = Page((tmp_path / f"tides-{GOOD}.html").read_text()).links

    assert way.startswith("file:///")
    assert Path(way.removeprefix("file://")).is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("night-report", "tides", "2024-03-08"), "nothing was ever done for night '2024-03-08' of tides"),
        (("model-card", "tides", "7"), "the ledger knows no version '7' of tides. It knows: 1."),
    ],
)
def test_what_is_not_there_is_said_in_words(nightshift, tmp_path, words, said):
    assert said in nightshift(*words, code=2).stderr
    assert list(tmp_path.glob("*.html")) == []
