import logging
import sys
from types import ModuleType

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from great_expectations.expectations import core as gxe
from great_expectations.expectations.expectation import ColumnAggregateExpectation
from great_expectations.expectations.row_conditions import Column

from data_checks import ParquetRows, SuiteContext, runner
from data_checks.declare import critical, quarantine, warning
from data_checks.sensitive import HIDDEN, NOT_SHOWN, neutral_rows

SECRET = "Ada-Lovelace-1815"
FRAME = pd.DataFrame(
    {
        "name": [SECRET, "b", "c", SECRET],
        "x": [1.0, 2.0, 3.0, 4.0],
        "salary": [181_500, 1, 1, 2],
    }
)
KINDS = {"name": "string", "x": "double", "salary": "int64"}


class ExpectNothingThatWorks(ColumnAggregateExpectation):
    """Fails as libraries do: with a sentence that quotes what it met."""

    metric_dependencies = ("column.max",)

    def _validate(self, metrics, runtime_configuration=None, execution_engine=None):
        raise ValueError(f"could not convert {SECRET!r} to a number")


def name_below(length):
    return gxe.ExpectColumnValueLengthsToBeBetween(column="name", max_value=length)


TELLING = {
    "failing values": quarantine("names are short", name_below(3)),
    "most common value": warning(
        "b is common", gxe.ExpectColumnMostCommonValueToBeInSet(column="name", value_set=["b"])
    ),
    "set of values": warning("known", gxe.ExpectColumnDistinctValuesToBeInSet(column="name", value_set=["b", "c"])),
    "largest value": warning("small", gxe.ExpectColumnMaxToBeBetween(column="salary", max_value=5)),
    "pairs": warning("equal", gxe.ExpectColumnPairValuesToBeEqual(column_A="x", column_B="salary")),
    "repeated ids": critical("unique", gxe.ExpectCompoundColumnsToBeUnique(column_list=["name", "x"])),
    "repeated names": critical("unique", gxe.ExpectColumnValuesToBeUnique(column="name")),
    "an error": warning("works", ExpectNothingThatWorks(column="salary")),
    "an error beside a condition": warning(
        "works", ExpectNothingThatWorks(column="x", row_condition=Column("name") == SECRET)
    ),
}


@pytest.fixture(params=["frame", "files"])
def judge(request, tmp_path, monkeypatch):
    """Runs expectations over rows with two sensitive columns, once as a frame and once as files."""
    rows = FRAME
    if request.param == "files":
        pq.write_table(pa.Table.from_pandas(FRAME, preserve_index=False), tmp_path / "rows.parquet")
        rows = ParquetRows((tmp_path / "rows.parquet",), KINDS)

    def run(*expectations, sensitive=("name", "salary")):
        module = ModuleType("sensitive_suite")
        module.build = lambda _context: list(expectations)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        context = SuiteContext("2013-11-19", nights=1, id_columns=("name",), sensitive=frozenset(sensitive))
        return runner.run("of_this_test", module.__name__, rows, context)

    return run


@pytest.mark.parametrize("expectation", TELLING.values(), ids=TELLING)
def test_no_value_of_a_sensitive_column_leaves_a_suite(judge, expectation, caplog):
    with caplog.at_level(logging.DEBUG):
        result = judge(expectation)
    told = f"{result!r} {result.outcomes} {result.refused.to_dict()} {result.summary()} {result.html()} {caplog.text}"

    assert SECRET not in told
    assert "181500" not in told
    assert "181,500" not in told


def test_refused_rows_are_still_counted_and_named_by_position(judge):
    result = judge(quarantine("names are short", name_below(3)))
    [outcome] = result.outcomes

    assert (outcome.observed, outcome.examples) == ("2 of 4 rows", (HIDDEN,))
    assert result.refused_positions.tolist() == [0, 3]
    assert result.refused.to_dict("list") == {"name": [HIDDEN, HIDDEN], "reasons": ["names are short"] * 2}


def test_statement_about_a_sensitive_column_says_that_it_is_not_shown(judge):
    [outcome] = judge(warning("small", gxe.ExpectColumnMaxToBeBetween(column="salary", max_value=5))).outcomes

    assert (outcome.passed, outcome.observed) == (False, NOT_SHOWN)


def test_other_columns_are_shown_as_ever(judge):
    [outcome] = judge(warning("small", gxe.ExpectColumnValuesToBeBetween(column="x", max_value=3))).outcomes

    assert (outcome.observed, outcome.examples) == ("1 of 4 rows", ("4.0",))


def test_values_are_shown_where_nothing_is_sensitive(judge):
    result = judge(quarantine("names are short", name_below(3)), sensitive=())

    assert SECRET in result.html()


def test_example_for_programs_keeps_types_and_says_nothing():
    kept = neutral_rows(FRAME, ("name", "salary"))

    assert kept.dtypes.to_dict() == FRAME.dtypes.to_dict()
    assert kept["x"].equals(FRAME["x"])
    assert set(kept["name"]) == {HIDDEN}
    assert set(kept["salary"]) == {0}
