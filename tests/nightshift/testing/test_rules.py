from __future__ import annotations

import pytest

from nightshift.testing.rules import verdict
from pipelines.engine.errors import UsageError

GOOD, BAD, OVER, LOST = "success", "failed", "skipped", "upstream_failed"


@pytest.mark.parametrize(
    ("rule", "states", "then"),
    [
        ("all_success", [], "run"),
        ("all_success", [GOOD, GOOD], "run"),
        ("all_success", [GOOD, OVER], "skipped"),
        ("all_success", [GOOD, OVER, BAD], "upstream_failed"),
        ("all_success", [LOST], "upstream_failed"),
        ("none_failed", [GOOD, OVER], "run"),
        ("none_failed", [OVER, OVER], "run"),
        ("none_failed", [LOST, GOOD], "upstream_failed"),
        ("none_failed_min_one_success", [OVER, OVER], "skipped"),
        ("none_failed_min_one_success", [OVER, GOOD], "run"),
        ("none_failed_min_one_success", [BAD, GOOD], "upstream_failed"),
        ("all_done", [BAD, LOST, OVER], "run"),
        ("always", [BAD], "run"),
        ("none_skipped", [BAD, GOOD], "run"),
        ("none_skipped", [OVER, GOOD], "skipped"),
        ("one_success", [BAD, GOOD], "run"),
        ("one_success", [BAD, OVER], "upstream_failed"),
        ("one_success", [OVER], "skipped"),
        ("one_failed", [GOOD, BAD], "run"),
        ("one_failed", [GOOD], "skipped"),
        ("one_done", [OVER, BAD], "run"),
        ("one_done", [OVER], "skipped"),
        ("all_failed", [BAD, LOST], "run"),
        ("all_failed", [BAD, GOOD], "skipped"),
        ("all_skipped", [OVER, OVER], "run"),
        ("all_skipped", [OVER, GOOD], "skipped"),
        ("all_done_min_one_success", [BAD, GOOD], "run"),
        ("all_done_min_one_success", [BAD, OVER], "skipped"),
    ],
)
def test_a_rule_decides_by_what_came_before(rule, states, then):
    assert verdict(rule, states) == then


def test_every_rule_of_airflow_is_known():
    from airflow.sdk import TriggerRule

    assert [rule for rule in TriggerRule if verdict(rule.value, [GOOD]) not in ("run", "skipped")] == []


def test_an_unknown_rule_is_refused():
    with pytest.raises(UsageError, match="the trigger rule 'all_green' is not run in memory; known ones: all_success"):
        verdict("all_green", [GOOD])
