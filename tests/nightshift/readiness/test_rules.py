"""What a pipeline lacks before production follows from facts."""

from dataclasses import replace

import pytest

from nightshift.doctor import Finding
from nightshift.readiness import Facts, gaps_of
from nightshift.readiness.values import Mark

READY = Facts(
    name="visits",
    dags={"visits_scoring": "clinic-science", "visits_training": "clinic-science"},
    window=30,
    delivered=40,
    labelled=39,
    tests=1,
    slices=1,
    champion="3",
    published="2026-03-17",
)


def test_a_pipeline_that_has_everything_is_ready():
    assert gaps_of(READY) == []


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({"marks": (Mark("data_checks/suites/visits_rows.py", 3, "learnt"),)}, "not_reviewed", "nobody has looked"),
        ({"dags": {}}, "no_dag", "no DAG scores or trains visits"),
        ({"findings": (Finding("visits.py", 9, "no_promise", "visits_scoring", "late", "say"),)}, "dag", "late"),
        ({"dags": {"visits_scoring": "visits-team"}}, "made_up_owner", "visits-team, a name that was made up"),
        ({"only_logged": ("clinic-science",)}, "only_logged", "alerts of clinic-science only reach a log"),
        ({"labelled": 0}, "no_labels", "none of them has labels"),
        ({"labelled": 29}, "few_nights", "29 nights have rows and labels, fewer than the 30"),
        ({"tests": 0}, "no_tests", "no tests"),
        ({"slices": 0}, "no_slices", "no slices"),
        ({"champion": None, "published": None}, "no_champion", "earned the right"),
        ({"published": None}, "no_night", "no night was ever published"),
    ],
)
def test_each_thing_that_is_missing_blocks_and_says_what_to_do(changes, rule, words):
    [gap] = gaps_of(replace(READY, **changes))
    assert (gap.rule, gap.blocks) == (rule, True)
    assert words in gap.text
    assert gap.way_out


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"paused": ("visits_scoring",)}, "starts_paused"),
        ({"makes_rows": True}, "makes_its_rows"),
        ({"ledger_is_file": True}, "ledger_is_a_file"),
        ({"tracking_is_file": True}, "tracking_is_a_file"),
    ],
)
def test_what_is_only_good_to_know_does_not_block_and_comes_last(changes, rule):
    missing, note = gaps_of(replace(READY, slices=0, **changes))
    assert missing.blocks
    assert (note.rule, note.blocks) == (rule, False)
