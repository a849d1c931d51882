"""Targets say whether they hold, and results come back from their file as they went in."""

import json

from benchmarks.results import Found, Results, Target, read_results, write_results


def results() -> Results:
    fast = Target("CPU / script", 1.35, 1.2)
    slow = Target("claims per second", 1000, 900, at_least=True, note="two cores")
    found = Found("Scoring", {"ours": {"cpu_s": 1.5}}, [fast], ["three rounds"], {"peer": "it broke"}, "script")
    return Results(
        {"cores": "2"}, {"scoring": found, "ledger": Found("Ledger", {}, [slow])}, {"nights": "gone"}, "then"
    )


def test_target_holds_up_to_its_bound_and_not_beyond() -> None:
    assert Target("less is better", 2.0, 2.0).holds
    assert not Target("less is better", 2.0, 2.001).holds
    assert Target("more is better", 2.0, 2.0, at_least=True).holds
    assert not Target("more is better", 2.0, 1.999, at_least=True).holds


def test_results_come_back_as_they_were_written(tmp_path) -> None:
    write_results(results(), tmp_path / "results.json")
    assert read_results(tmp_path / "results.json") == results()


def test_file_lists_all_targets_with_what_was_reached(tmp_path) -> None:
    write_results(results(), tmp_path / "results.json")
    targets = json.loads((tmp_path / "results.json").read_text())["targets"]
    assert [(row["name"], row["target"], row["reached"], row["holds"]) for row in targets] == [
        ("CPU / script", 1.35, 1.2, True),
        ("claims per second", 1000, 900, False),
    ]


def test_missing_or_foreign_file_is_no_results(tmp_path) -> None:
    assert read_results(tmp_path / "nothing.json") is None
    (tmp_path / "foreign.json").write_text('{"targets": []}')
    assert read_results(tmp_path / "foreign.json") is None


def test_run_of_one_study_keeps_what_earlier_runs_found_of_the_others() -> None:
    again = Results({"cores": "2"}, {"nights": Found("Nights", {}, [])}, {"ledger": "no Postgres"}, "now")
    whole = again.replacing(results())
    assert list(whole.studies) == ["scoring", "nights"]
    assert whole.broken == {"ledger": "no Postgres"}
    assert whole.made_at == "now"
