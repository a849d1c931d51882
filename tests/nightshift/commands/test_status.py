"""`nightshift status`: the first line says whether last night is good."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.nightshift.commands.houses import FAILED, GOOD, TWICE, enter
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import _suites, fresh, run_night

__all__ = ["_suites", "fresh"]


def test_first_line_says_that_last_night_failed(nightshift):
    first, *others = nightshift("status").stdout.splitlines()
    assert FAILED in first
    assert "Failed: tides" in first
    assert any("2 published, 1 failed" in line for line in others)


def test_first_line_says_that_all_is_well(home, monkeypatch):
    tides.write(tides.make_rows(FAILED), home.rows(FAILED))
    run_night(home, FAILED)
    first = enter(home, monkeypatch)("status").stdout.splitlines()[0]
    assert "1 of 1 published" in first
    assert "ailed" not in first


def test_one_pipeline_shows_each_night_and_what_went_wrong(nightshift):
    shown = nightshift("status", "tides").stdout
    assert [line.split()[:2] for line in shown.splitlines()[2:5]] == [
        [GOOD, "published"],
        [TWICE, "published"],
        [FAILED, "failed"],
    ]
    assert f"{FAILED}: TooManyRefused" in shown
    assert len(json.loads(nightshift("status", "tides", "--last", "2", "--json").stdout)) == 2


def test_before_the_first_night_it_says_how_to_run_one(fresh, monkeypatch):
    nightshift = enter(fresh, monkeypatch)
    assert "No night" in nightshift("status").stdout
    assert "nightshift score tides NIGHT" in nightshift("status", "tides").stdout


def test_wrong_name_is_answered_with_the_right_one_in_words_and_in_json(nightshift):
    result = nightshift("status", "tydes", "--json", code=2)
    assert "Did you mean 'tides'?" in result.stderr
    said = json.loads(result.stdout)["error"]
    assert (said["kind"], said["exit_code"]) == ("UnknownPipeline", 2)
    assert "Did you mean 'tides'?" in said["message"]
    wrong = json.loads(nightshift("status", "--json", "--lost", code=2).stdout)["error"]
    assert "--lost" in wrong["message"]


def on_a_terminal(home, *words, columns=100, **environment):
    """Run the command line on a terminal of its own, and return what it shows."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSHIFT_", "COVERAGE_", "NO_"))
    }
    screen, terminal = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", "from nightshift.cli import main; main()", *words],
        env={
            **kept,
            "NIGHTSHIFT_HOME": str(home.home),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "TERM": "xterm-256color",
            "COLUMNS": str(columns),
            **environment,
        },
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    try:
        while part := os.read(screen, 65536):
            shown += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(screen)
    assert running.wait() == 0, shown.decode()
    return shown.decode()


def test_glyphs_and_colour_on_a_terminal_and_only_words_without_it(home, nightshift):
    shown = on_a_terminal(home, "status")
    assert "■" in shown
    assert "✗" in shown
    assert "\x1b[" in shown
    plain = on_a_terminal(home, "status", NO_COLOR="1")
    assert "\x1b[3" not in plain
    assert "✗" in plain
    piped = nightshift("status").stdout
    assert "\x1b[" not in piped
    assert "✗" not in piped


@pytest.mark.parametrize("columns", [70, 200])
def test_no_word_is_broken_on_a_narrow_terminal(home, columns):
    shown = on_a_terminal(home, "status", "tides", columns=columns, NO_COLOR="1")
    assert any(line.startswith(f"{GOOD}   published") for line in shown.splitlines())
    assert all(len(line) <= columns for line in shown.splitlines() if line.startswith(("night ", GOOD)))
    assert ("published at" in shown) == (columns == 200)
