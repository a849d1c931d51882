import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from great_expectations.expectations import core as gxe
from great_expectations.expectations.row_conditions import Column

from data_checks import SuiteMistake, UnknownSuite, run_suite, runner, suite_names
from data_checks.declare import critical, quarantine, warning
from tests.data_checks.frames import context

FRAME = pd.DataFrame({"flight_id": ["a", "b", "c", "d"], "x": [1.0, 2.0, 3.0, 4.0]})
BROKEN_PARTITION = {"bins": [3, 2], "weights": [1]}


@pytest.fixture
def judge(monkeypatch):
    """Runs expectations over a frame as a suite of their own."""

    def run(frame, *expectations):
        module = ModuleType("suite_of_this_test")
        module.build = lambda _context: list(expectations)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return runner.run("of_this_test", module.__name__, frame, context())

    return run


def x_below(limit):
    return gxe.ExpectColumnValuesToBeBetween(column="x", max_value=limit)


def test_importing_the_package_imports_nothing_heavy():
    heavy = ("pandas", "numpy", "great_expectations", "jinja2")
    code = f"import data_checks, sys; print([name for name in {heavy} if name in sys.modules])"
    root = Path(__file__).parents[2]
    shown = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_unknown_suite_names_the_nearest():
    with pytest.raises(
        UnknownSuite, match=r"no suite 'flights_row'.* Did you mean 'flights_rows'\? Known: .*flights_labels, "
    ):
        run_suite("flights_row", FRAME, context())


def test_suite_names_are_sorted():
    assert list(suite_names()) == sorted(suite_names())
    assert {"flights_labels", "flights_rows"} <= set(suite_names())


@pytest.mark.parametrize(
    ("declare", "limit", "status"),
    [
        (critical, 9, "passed"),
        (critical, 3, "failed"),
        (warning, 3, "warned"),
        (quarantine, 3, "warned"),
    ],
)
def test_severity_decides_the_status(judge, declare, limit, status):
    result = judge(FRAME, declare("x is small", x_below(limit)))

    assert result.status == status
    assert result.outcomes[0].severity == declare.__name__
    assert result.outcomes[0].passed is (status == "passed")
    assert len(result.refused) == (declare is quarantine)


def test_outcome_says_what_was_observed(judge):
    outcome = judge(FRAME, critical("x is small", x_below(2))).outcomes[0]

    assert (outcome.name, outcome.column) == ("expect_column_values_to_be_between", "x")
    assert (outcome.observed, outcome.unexpected_count, outcome.examples) == ("2 of 4 rows", 2, ("3.0", "4.0"))


def test_examples_are_different_values_and_at_most_five(judge):
    frame = pd.DataFrame({"flight_id": list("abcdefghi"), "x": [9.0, 9, 9, 8, 7, 6, 5, 4, 3]})

    assert judge(frame, critical("x is small", x_below(2))).outcomes[0].examples == ("9.0", "8.0", "7.0", "6.0", "5.0")


def test_rows_that_agree_in_several_columns_are_refused_together(judge):
    frame = pd.DataFrame({"flight_id": ["a", "a", "a"], "x": [1.0, 2.0, 1.0]})
    twice = gxe.ExpectCompoundColumnsToBeUnique(column_list=["flight_id", "x"])
    result = judge(frame, quarantine("the pair is unique", twice))

    assert result.outcomes[0].column == "flight_id, x"
    assert result.refused_positions.tolist() == [0, 2]


def test_quarantine_that_cannot_name_its_rows_is_critical(judge, monkeypatch):
    monkeypatch.setitem(runner._NAMING_ROWS, "result_format", "SUMMARY")
    result = judge(FRAME, quarantine("x is small", x_below(3)))

    assert result.status == "failed"
    assert "without saying which rows" in result.outcomes[0].observed


def test_refused_rows_are_named_by_position_despite_duplicate_ids_nulls_and_any_index(judge):
    frame = pd.DataFrame(
        {"flight_id": ["a", "a", None, "b", None], "x": [1.0, np.nan, 500.0, 3.0, 700.0]}, index=[5, 5, 1, 0, -3]
    )
    result = judge(
        frame,
        quarantine("x is small", x_below(100)),
        quarantine("the id is known", gxe.ExpectColumnValuesToNotBeNull(column="flight_id")),
        quarantine("x is known", gxe.ExpectColumnValuesToNotBeNull(column="x")),
    )

    assert result.refused_positions.tolist() == [1, 2, 4]
    assert result.refused["reasons"].tolist() == [
        "x is known",
        "x is small; the id is known",
        "x is small; the id is known",
    ]
    assert result.refused["flight_id"].iloc[0] == "a"
    assert result.refused["flight_id"].isna().tolist() == [False, True, True]
    assert result.refused.columns.tolist() == ["flight_id", "reasons"]


def test_positions_stay_right_when_only_some_rows_are_judged(judge):
    condition = Column("flight_id").is_in(["b", "d"])
    expectation = gxe.ExpectColumnValuesToBeBetween(column="x", max_value=3, row_condition=condition)

    assert judge(FRAME, quarantine("some are small", expectation)).refused_positions.tolist() == [3]


def test_pairs_of_columns_refuse_rows_too(judge):
    frame = FRAME.assign(y=[0.0, 9.0, np.nan, 0.0])
    expectation = gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="x", column_B="y", ignore_row_if="either_value_is_missing"
    )
    result = judge(frame, quarantine("x exceeds y", expectation))

    assert result.outcomes[0].column == "x, y"
    assert result.refused_positions.tolist() == [1]


def test_nothing_refused_still_has_the_columns_and_types(judge):
    result = judge(FRAME, quarantine("x is small", x_below(9)))

    assert result.refused.columns.tolist() == ["flight_id", "reasons"]
    assert result.refused.dtypes.map(str).tolist() == ["str", "str"]
    assert result.refused_positions.dtype == np.int64


@pytest.mark.parametrize(
    "expectation",
    [
        gxe.ExpectColumnValuesToBeBetween(column="mixed", max_value=3),
        gxe.ExpectColumnValuesToBeBetween(column="absent", max_value=3),
        gxe.ExpectColumnKLDivergenceToBeLessThan(column="x", partition_object=BROKEN_PARTITION, threshold=1),
        gxe.ExpectColumnValuesToBeOfType(column="absent", type_="int"),
    ],
    ids=["wrong values", "no such column", "broken while planned", "broken inside"],
)
def test_expectation_that_raises_is_critical_and_spares_the_others(judge, expectation):
    frame = FRAME.assign(mixed=pd.Series([1, "a", 2, 3.0], dtype=object))
    result = judge(frame, warning("this one raises", expectation), quarantine("x is small", x_below(3)))
    raised, other = result.outcomes

    assert result.status == "failed"
    assert (raised.severity, raised.passed, raised.raised) == ("critical", False, True)
    assert raised.observed.startswith("could not be evaluated: ")
    assert len(raised.observed) > len("could not be evaluated: ")
    assert other.unexpected_count == 1
    assert result.refused_positions.tolist() == [3]


def test_error_that_escapes_great_expectations_stays_with_its_expectation(judge, monkeypatch):
    def explode(*_args, **_kwargs):
        raise MemoryError("no room for the median")

    monkeypatch.setattr(gxe.ExpectColumnMedianToBeBetween, "get_validation_dependencies", explode)
    monkeypatch.setattr(gxe.ExpectColumnMedianToBeBetween, "__deepcopy__", explode, raising=False)
    median = gxe.ExpectColumnMedianToBeBetween(column="x", min_value=0)
    result = judge(FRAME, critical("x is small", x_below(9)), warning("the median is known", median))

    assert [outcome.passed for outcome in result.outcomes] == [True, False]
    assert "no room for the median" in result.outcomes[1].observed
    assert result.status == "failed"


def test_quarantine_refuses_statements_about_a_whole_column():
    with pytest.raises(SuiteMistake, match="judges row by row, got ExpectColumnMeanToBeBetween"):
        quarantine("the mean", gxe.ExpectColumnMeanToBeBetween(column="x", min_value=0))


def test_quarantine_lets_no_share_of_failing_rows_through():
    with pytest.raises(SuiteMistake, match=r"mostly=0\.9, but every failing row is refused"):
        quarantine("most", gxe.ExpectColumnValuesToNotBeNull(column="x", mostly=0.9))


def test_expectation_without_a_severity_is_a_mistake_of_the_suite(judge):
    with pytest.raises(SuiteMistake, match=r"ExpectColumnValuesToBeBetween without a severity\. Wrap it in critical"):
        judge(FRAME, x_below(3))


@pytest.mark.parametrize("name", ["flights_labels", "flights_rows"])
def test_no_rows_fail_on_their_number_alone(name, rows, labels):
    frame = rows if name == "flights_rows" else labels
    result = run_suite(name, frame.iloc[:0], context())
    critical_failures = [outcome for outcome in result.failures if outcome.severity == "critical"]

    assert result.status == "failed"
    assert [outcome.name for outcome in critical_failures] == ["expect_table_row_count_to_be_between"]
    assert not [outcome for outcome in result.outcomes if outcome.raised]
    assert len(result.refused) == 0


def test_frame_without_rows_and_types_is_judged_without_an_error():
    assert run_suite("flights_labels", pd.DataFrame(), context()).status == "failed"


def test_dictionary_and_object_columns_count_as_what_they_hold(labels):
    encoded = labels.astype({"outcome": "category", "flight_id": object})

    assert run_suite("flights_labels", encoded, context()).status == "passed"
    assert str(encoded.dtypes["outcome"]) == "category"


def test_run_leaves_no_file_no_progress_bar_and_the_frame_as_it_was(rows, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    before = rows.copy(deep=True)
    run_suite("flights_rows", rows, context())

    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    pd.testing.assert_frame_equal(rows, before)


def test_great_expectations_is_told_to_call_nobody(monkeypatch, judge):
    seen = {}
    original = runner.gx.get_context

    def watched(**settings):
        seen["context"] = original(**settings)
        return seen["context"]

    monkeypatch.setattr(runner.gx, "get_context", watched)
    judge(FRAME, critical("x is small", x_below(9)))

    assert seen["context"].variables.analytics_enabled is False
    assert seen["context"].progress_bars["globally"] is False
    assert seen["context"].progress_bars["metric_calculations"] is False
