from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "words",
    [("stack", "status"), ("stack", "run", "nightshift", "status"), ("stack", "restart", "redis"), ("demo", "--stack")],
)
def test_whoever_asks_for_a_stack_that_does_not_run_hears_how_to_start_it(nightshift, words):
    result = nightshift(*words, code=2)
    assert "The stack does not run. Start it: nightshift stack up" in result.output


def test_a_folder_of_dag_files_that_is_none_is_said_before_anything_starts(nightshift, tmp_path):
    result = nightshift("stack", "up", "--dags", str(tmp_path / "nowhere"), code=2)
    assert "is no folder" in result.output


def test_ending_a_stack_that_does_not_run_is_no_error(nightshift):
    result = nightshift("stack", "down")
    assert "was not running" in result.output
