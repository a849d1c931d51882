"""`nightshift night` and `quarantine`: one night in sentences, and its refused rows."""

from __future__ import annotations

import csv
import json

from tests.nightshift.commands.houses import FAILED, GOOD, SEAS, TWICE, enter
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import _suites

__all__ = ["_suites"]


def test_good_night_is_told_with_steps_and_what_readers_saw(nightshift):
    shown = nightshift("night", GOOD).stdout
    assert shown.startswith(f"tides, night {GOOD}. Published: 300 of 300 rows were scored by model version 2.")
    assert "Readers have it since" in shown
    assert all(step in shown for step in ("validate", "plan", "score", "publish", "monitor"))
    assert "What to do" not in shown
    assert "now" in shown.split("What readers saw")[1]


def test_failed_night_says_why_and_what_to_do(nightshift):
    shown = nightshift("night", "last").stdout
    assert shown.startswith(f"tides, night {FAILED}. Failed in validate.")
    assert "200 of 300 rows were refused" in shown
    to_do = shown.split("What to do")[1]
    assert "nightshift explain" in to_do
    assert f"nightshift score tides {FAILED}" in to_do
    assert f"nightshift quarantine tides {FAILED}" in to_do
    assert "200   wind lies between -5 and 5" in shown


def test_night_that_was_delivered_twice_says_what_readers_saw_before(nightshift):
    shown = nightshift("night", TWICE, "--pipeline", "tides").stdout
    seen = shown.split("What readers saw")[1]
    assert "inputs.checked, inputs.scores" in seen
    [view] = json.loads(nightshift("night", TWICE, "--json").stdout)
    assert [version["rows_scored"] for version in view["versions"]] == [300, 296]
    assert view["versions"][0]["until_at"] == view["versions"][1]["from_at"]


def test_nights_that_are_not_there_are_answered_with_those_that_are(nightshift):
    assert f"{GOOD} to {FAILED}" in nightshift("night", "2024-05-01", code=2).stderr
    assert "Did you mean 'yesterday'?" in nightshift("night", "yesterdy", code=2).stderr
    assert "Did you mean 'tides'?" in nightshift("night", GOOD, "--pipeline", "tide", code=2).stderr


def test_refused_rows_are_shown_by_reason_without_sensitive_values(nightshift, tmp_path):
    shown = nightshift("quarantine", "tides", TWICE).stdout
    assert f"4 rows of tides {TWICE} were refused" in shown
    assert "4   wind lies between -5 and 5" in shown
    assert f"{TWICE}-00000" in shown
    assert "(hidden)" in shown
    file = tmp_path / "refused.csv"
    nightshift("quarantine", "tides", TWICE, "--csv", str(file))
    rows = list(csv.DictReader(file.open()))
    assert [row["wind"] for row in rows] == ["9"] * 4
    answer = nightshift("quarantine", "tides", TWICE, "--json").stdout
    assert json.loads(answer)["hidden"] == ["sea"]
    for text in (shown, file.read_text(), answer):
        assert not any(sea in text for sea in SEAS)


def test_refused_rows_of_a_night_that_stopped_are_found_as_well(nightshift):
    answer = json.loads(nightshift("quarantine", "tides", "last", "--json").stdout)
    assert (answer["night"], answer["rows"], len(answer["groups"][0]["samples"])) == (FAILED, 200, 3)
    assert nightshift("quarantine", "tides", "last", "--path").stdout.strip() == answer["file"]


def test_night_without_refused_rows_says_so(nightshift):
    assert "No row" in nightshift("quarantine", "tides", GOOD).stdout
    assert nightshift("quarantine", "tides", GOOD, "--path", code=1).stdout == ""
    assert json.loads(nightshift("quarantine", "tides", GOOD, "--json").stdout)["rows"] == 0


def test_refused_rows_whose_file_is_gone_are_not_called_none(home, nightshift):
    for file in (home.home / "tables/tides/quarantine" / f"night={TWICE}").iterdir():
        file.unlink()
    assert "4 rows of tides" in nightshift("quarantine", "tides", TWICE, code=1).stderr
    assert "their file is not in" in nightshift("night", TWICE).stdout


def test_csv_that_cannot_be_written_is_said_in_words(nightshift, tmp_path):
    said = nightshift("quarantine", "tides", TWICE, "--csv", str(tmp_path / "no" / "x.csv"), code=2).stderr
    assert "cannot be written" in said


def test_two_pipelines_are_both_told_of(home, monkeypatch):
    from tests.nightshift.commands.houses import declared
    from tests.pipelines.engine.steps.places import run_night, run_training

    other = declared(name="waves")
    for kind in ("rows", "labels"):
        folder = home.rows(GOOD).parent.parent / kind
        (home.home / "data" / "waves").mkdir(exist_ok=True)
        (home.home / "data" / "waves" / kind).symlink_to(folder)
    place = home.changed(other)
    run_training(place)
    run_night(place, GOOD)
    nightshift = enter(home, monkeypatch, home.pipeline, other)
    assert [view["pipeline"] for view in json.loads(nightshift("night", GOOD, "--json").stdout)] == ["tides", "waves"]
    assert tides.NIGHTS[-1] in nightshift("night", "last").stdout
    assert "The newest nights: 1 of 2 published" in nightshift("status").stdout
