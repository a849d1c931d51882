"""Expectations that DuckDB answers, in all their forms: made anew each time, for a run writes on them."""

from __future__ import annotations

from datetime import timedelta

from great_expectations.expectations import core as gxe
from great_expectations.expectations.row_conditions import Column

from data_checks.declare import critical, quarantine, warning
from data_checks.expectations import ExpectColumnTypesToMatch
from tests.data_checks.files.suite import KINDS, NOON

CHOSEN = {
    "equal": Column("s") == "a",
    "unequal": Column("s") != "a",
    "greater": Column("x") > 0,
    "set": Column("j").is_in([1, 2]),
    "not in set": Column("t").is_not_in(["a", "b"]),
    "missing": Column("x").is_null(),
    "both": (Column("x").is_not_null()) & (Column("i") >= 1),
    "either": (Column("s") == "it's") | (Column("i") < 1),
}
BINS = {"bins": [-4.0, 0.0, 1.0, 3.0], "weights": [0.3, 0.3, 0.3], "tail_weights": [0.05, 0.05]}
NAMED = {"values": ["a", "b", "c"], "weights": [0.5, 0.3, 0.2]}


def of_rows():
    """Those that judge row by row."""
    yield from (gxe.ExpectColumnValuesToNotBeNull(column=column) for column in KINDS)
    yield from (gxe.ExpectColumnValuesToBeNull(column=column) for column in KINDS)
    yield from (gxe.ExpectColumnValuesToBeUnique(column=column) for column in KINDS)
    for column in ("x", "i", "j"):
        yield gxe.ExpectColumnValuesToBeBetween(column=column, min_value=0, max_value=2)
        yield gxe.ExpectColumnValuesToBeBetween(column=column, min_value=0.5, strict_min=True)
        yield gxe.ExpectColumnValuesToBeBetween(column=column, max_value=1, strict_max=True)
        yield gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[0, 1, 2.5])
        yield gxe.ExpectColumnValuesToNotBeInSet(column=column, value_set=[0, 1])
    yield gxe.ExpectColumnValuesToBeBetween(column="at", min_value=NOON, max_value=NOON + timedelta(days=9))
    yield gxe.ExpectColumnValuesToBeBetween(column="at", max_value=NOON, strict_max=True)
    yield gxe.ExpectColumnValuesToBeInSet(column="s", value_set=["a", "it's", "é"])
    yield gxe.ExpectColumnValuesToNotBeInSet(column="s", value_set=["a", ""])
    for regex in ("^[a-z]$", r"^\d$", r"^\d{4}-\d{2}-\d{2}-(?:7|8)$", "a|b", "'", "a.?$", "^(?:a|b)$", r"[\d]", ""):
        yield gxe.ExpectColumnValuesToMatchRegex(column="s", regex=regex)
        yield gxe.ExpectColumnValuesToNotMatchRegex(column="s", regex=regex)
    yield gxe.ExpectColumnValueLengthsToBeBetween(column="s", min_value=1, max_value=2)
    yield gxe.ExpectColumnValueLengthsToEqual(column="s", value=1)
    for ignored in ("both_values_are_missing", "either_value_is_missing", "neither"):
        for first, second in (("x", "y"), ("i", "j"), ("x", "j"), ("s", "t"), ("at", "before")):
            pair = {"column_A": first, "column_B": second, "ignore_row_if": ignored}
            yield gxe.ExpectColumnPairValuesAToBeGreaterThanB(**pair)
            yield gxe.ExpectColumnPairValuesAToBeGreaterThanB(**pair, or_equal=True)
            yield gxe.ExpectColumnPairValuesToBeEqual(**pair)
        yield gxe.ExpectColumnPairValuesToBeInSet(
            column_A="s", column_B="i", value_pairs_set=[("a", 1), ("b", 2), (None, 0)], ignore_row_if=ignored
        )
    for ignored in ("all_values_are_missing", "any_value_is_missing", "never"):
        for columns in (["s", "j"], ["x", "y"], ["at", "s", "i"]):
            yield gxe.ExpectCompoundColumnsToBeUnique(column_list=columns, ignore_row_if=ignored)
        yield gxe.ExpectMulticolumnSumToEqual(column_list=["i", "x"], sum_total=1, ignore_row_if=ignored)
        yield gxe.ExpectMulticolumnSumToEqual(column_list=["i", "j"], sum_total=3, ignore_row_if=ignored)
        yield gxe.ExpectSelectColumnValuesToBeUniqueWithinRecord(column_list=["s", "t"], ignore_row_if=ignored)
    for condition in CHOSEN.values():
        yield gxe.ExpectColumnValuesToBeBetween(column="x", max_value=1, row_condition=condition)
        yield gxe.ExpectColumnValuesToNotBeNull(column="j", row_condition=condition)
        yield gxe.ExpectColumnValuesToBeUnique(column="t", row_condition=condition)


def of_columns():
    """Those about a whole column or table."""
    yield ExpectColumnTypesToMatch(types=KINDS)
    yield gxe.ExpectTableColumnsToMatchSet(column_set=[*KINDS, "absent"])
    yield gxe.ExpectTableColumnCountToEqual(value=8)
    yield gxe.ExpectTableRowCountToBeBetween(min_value=3, max_value=9)
    yield gxe.ExpectColumnValuesToBeOfType(column="x", type_="float64")
    for column in ("x", "i", "j"):
        bounds = {"column": column, "min_value": 0, "max_value": 2}
        yield gxe.ExpectColumnMeanToBeBetween(**bounds)
        yield gxe.ExpectColumnMedianToBeBetween(**bounds)
        yield gxe.ExpectColumnStdevToBeBetween(**bounds)
        yield gxe.ExpectColumnMinToBeBetween(**bounds)
        yield gxe.ExpectColumnMaxToBeBetween(**bounds)
        yield gxe.ExpectColumnSumToBeBetween(**bounds)
        yield gxe.ExpectColumnKLDivergenceToBeLessThan(column=column, partition_object=BINS, threshold=0.1)
        yield gxe.ExpectColumnMeanToBeBetween(**bounds, row_condition=CHOSEN["unequal"])
    for column in ("s", "i", "j"):
        bounds = {"column": column, "min_value": 0, "max_value": 2}
        known = ["a", "b"] if column == "s" else [0, 1]
        yield gxe.ExpectColumnUniqueValueCountToBeBetween(**bounds)
        yield gxe.ExpectColumnProportionOfUniqueValuesToBeBetween(column=column, min_value=0.2, max_value=0.4)
        yield gxe.ExpectColumnDistinctValuesToBeInSet(column=column, value_set=known)
        yield gxe.ExpectColumnDistinctValuesToContainSet(column=column, value_set=known)
        yield gxe.ExpectColumnMostCommonValueToBeInSet(column=column, value_set=known)
    yield gxe.ExpectColumnKLDivergenceToBeLessThan(
        column="s", partition_object=NAMED, threshold=0.1, tail_weight_holdout=0.01
    )


def suite():
    """All of them: rows are refused by those that can refuse."""
    refusing = [quarantine(f"row {number}", expectation) for number, expectation in enumerate(of_rows())]
    telling = [critical(f"column {number}", expectation) for number, expectation in enumerate(of_columns())]
    lenient = gxe.ExpectColumnValuesToNotBeNull(column="x", mostly=0.5)
    return [*refusing, *telling, warning("half is known", lenient)]
