import json
import re

import numpy as np
import pandas as pd
import pytest

from data_checks import CheckResult, Outcome, run_suite
from data_checks.results import status_of
from tests.data_checks.frames import context


def outcome(severity="critical", passed=False, number=0, **more):
    fields = {"name": "expect_column_values_to_be_between", "column": f"column_{number}", "observed": "9 of 9 rows"}
    return Outcome(**{**fields, "severity": severity, "passed": passed, "description": f"sentence {number}", **more})


def result_of(*outcomes, refused=()):
    return CheckResult(
        suite="flights_rows",
        partition="2013-11-19",
        status=status_of(outcomes),
        rows=np.int64(900),
        outcomes=outcomes,
        refused=pd.DataFrame({"flight_id": list(refused), "reasons": ["too far"] * len(refused)}, dtype="str"),
        refused_positions=np.arange(len(refused)),
    )


@pytest.mark.parametrize(
    ("failed", "status"),
    [
        ([], "passed"),
        (["warning"], "warned"),
        (["quarantine"], "warned"),
        (["warning", "critical"], "failed"),
    ],
)
def test_worst_failure_decides_the_status(failed, status):
    assert status_of([outcome(passed=True), *(outcome(severity) for severity in failed)]) == status


def test_summary_holds_the_numbers_and_the_failures():
    result = result_of(outcome("warning", number=1), outcome("critical", number=2), outcome(passed=True), refused=["a"])

    assert result.summary() == {
        "suite": "flights_rows",
        "partition": "2013-11-19",
        "status": "failed",
        "rows": 900,
        "refused": 1,
        "expectations": 3,
        "failed_by_severity": {"critical": 1, "quarantine": 0, "warning": 1},
        "failed": [
            {
                "expectation": "expect_column_values_to_be_between",
                "description": f"sentence {number}",
                "column": f"column_{number}",
                "severity": severity,
                "observed": "9 of 9 rows",
            }
            for number, severity in ((2, "critical"), (1, "warning"))
        ],
        "failed_not_shown": 0,
    }


def test_summary_stays_small_and_counts_what_it_leaves_out():
    failures = [outcome(number=number, observed="ü" * 5000) for number in range(200)]
    summary = result_of(*failures).summary()

    assert len(json.dumps(summary).encode()) < 2048
    assert summary["failed_by_severity"]["critical"] == 200
    assert len(summary["failed"]) + summary["failed_not_shown"] == 200
    assert summary["failed"]


@pytest.mark.parametrize("suite", ["flights_rows", "flights_labels"])
def test_summary_and_report_of_a_frame_in_which_everything_is_wrong(suite):
    frame = pd.DataFrame({"flight_id": ["<script>alert(1)</script>"] * 3, "late": [7, 8, 9]})
    result = run_suite(suite, frame, context())
    summary = result.summary()

    assert len(json.dumps(summary).encode()) < 2048
    assert json.loads(json.dumps(summary)) == summary
    assert {type(value) for value in summary.values()} <= {str, int, list, dict}
    assert summary["status"] == "failed"
    assert "<script>" not in result.html()


def test_report_needs_nothing_from_elsewhere(labels):
    page = run_suite("flights_labels", labels, context()).html()

    assert not re.search(r"https?://|//|\bsrc=|\bhref=|@import|url\(", page)
    assert "prefers-color-scheme: dark" in page
    assert "Nothing to do" in page


def test_report_shows_values_as_text():
    nasty = "<img src=x onerror=alert(1)>"
    failure = outcome(observed=nasty, examples=(nasty,), description=nasty, column=nasty)
    page = result_of(failure, refused=[nasty]).html()

    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 5


def test_report_puts_failures_first_and_says_what_to_do():
    page = result_of(outcome(passed=True, number=1), outcome("warning", number=2), outcome(number=3)).html()

    assert page.index("The night stops here") < page.index("sentence 3") < page.index("sentence 2")
    assert page.index("sentence 2") < page.index("sentence 1")
    assert "The night goes on" in result_of(outcome("warning")).html()


def test_report_counts_refused_rows_that_it_does_not_show():
    page = result_of(outcome("quarantine"), refused=[f"id-{number}" for number in range(60)]).html()

    assert "The first 50 of 60" in page
    assert "id-49<" in page
    assert "id-50<" not in page
