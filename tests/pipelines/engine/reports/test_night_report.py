from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.engine.errors import ChecksFailed, UnknownNight
from pipelines.engine.reports import writing
from pipelines.engine.reports.writing import read_night
from tests.pipelines.engine.reports.pages import Page, read
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import monitor, run_night, run_training, validate

NIGHT = tides.NIGHTS[0]


def spoil(place, rows=7):
    """Deliver strange winds, which are refused."""
    frame = tides.make_rows(NIGHT)
    frame.loc[: rows - 1, "wind"] = 99.0
    tides.write(frame, place.rows(NIGHT))


def test_monitored_night_leaves_a_report_that_tells_how_it_stands(place):
    spoil(place)
    night = run_night(place, NIGHT)
    path = night.seen["night_report"]
    page = read(path)

    assert Path(path).parent == Path(place.settings.reports) / "tides" / NIGHT
    assert "293 of 300 rows were scored by model version 1, 7 refused." in page.text
    assert "300 rows in = 293 scored + 7 refused" in page.text
    assert "7 × wind lies between -5 and 5" in page.text
    assert "monitor" in page.text
    assert "under way" not in page.text  # the step that writes it shows itself as done


def test_report_leads_to_the_reports_beside_it(fresh):
    run_training(fresh)
    night = run_night(fresh, NIGHT)
    folder = Path(night.seen["night_report"]).parent
    ways = [folder / link for link in read(night.seen["night_report"]).links]

    assert {way.resolve().name.split("-")[0] for way in ways} == {"checks", "card"}
    assert all(way.resolve().is_file() for way in ways)


def test_second_run_finds_the_report_of_the_first(place):
    first = run_night(place, NIGHT)
    Path(first.seen["night_report"]).write_text("as it was")
    again = run_night(place, NIGHT)

    assert again.seen["night_report"] == first.seen["night_report"]
    assert Path(first.seen["night_report"]).read_text() == "as it was"


def test_report_that_cannot_be_written_fails_no_night(place, caplog):
    night = run_night(place, NIGHT)
    place.ledger.force(night.seen["key"], holder="test", reason="again")
    folder = Path(place.settings.reports) / "tides" / NIGHT
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("a file where the folder was")
    seen = monitor(place, night.checked, night.published)

    assert seen["night_report"] is None
    assert seen["score_mean"] == night.seen["score_mean"]
    assert "the night report of tides 2024-03-06 was not written: " in caplog.text


def test_template_that_breaks_fails_no_night(place, monkeypatch, caplog):
    def broken(report):
        raise ZeroDivisionError("a mistake in a template")

    monkeypatch.setattr(writing, "night_report", broken)
    night = run_night(place, NIGHT)

    assert night.seen["night_report"] is None
    assert place.is_published(NIGHT)
    assert "was not written: a mistake in a template" in caplog.text


def test_failed_night_can_be_reported_too(place):
    frame = tides.make_rows(NIGHT)
    frame.loc[1, "buoy"] = frame.loc[0, "buoy"]
    tides.write(frame, place.rows(NIGHT))
    with pytest.raises(ChecksFailed):
        validate(place, NIGHT)
    page = Page(read_night(place.runtime, place.pipeline, NIGHT, written_by="a test"))

    assert "Failed in validate. Nothing of this night is published." in page.text
    assert "buoy is unique" in page.text
    assert "The checks stopped the night." in page.text
    assert len(page.links) == 1
    assert "nightshift score tides 2024-03-06" in page.text


def test_refused_rows_that_are_gone_are_said_to_be(place):
    spoil(place)
    night = run_night(place, NIGHT)
    Path(night.checked["quarantine"]).unlink()
    page = Page(read_night(place.runtime, place.pipeline, NIGHT, written_by="a test"))

    assert "The refused rows are gone: " in page.text


def test_night_that_never_was_has_no_report(place):
    validate(place, NIGHT)
    with pytest.raises(UnknownNight, match="nothing was ever done for night '2024-03-08'"):
        read_night(place.runtime, place.pipeline, "2024-03-08", written_by="a test")


def test_text_of_others_is_never_markup(place):
    hostile = place.declared(question="<script>alert(1)</script>")
    run_night(hostile, NIGHT)
    page = Page(read_night(hostile.runtime, hostile.pipeline, NIGHT, written_by="<b>me</b>"))

    assert page.loaded == []
    assert "<script>alert(1)</script>" in page.text
