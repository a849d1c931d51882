"""Suite `digits_labels`: which digits they were."""

from __future__ import annotations

from great_expectations.expectations import core as gxe
from great_expectations.expectations.expectation import Expectation

from data_checks.context import SuiteContext
from data_checks.declare import critical, warning


def build(context: SuiteContext) -> list[Expectation]:
    """The expectations for the labels of a training window."""
    return [
        critical("digit_id is unique", gxe.ExpectColumnValuesToBeUnique(column="digit_id")),
        critical("digit is 0 to 9", gxe.ExpectColumnValuesToBeInSet(column="digit", value_set=list(range(10)))),
        warning(
            "digits are mixed",
            gxe.ExpectColumnMeanToBeBetween(column="digit", min_value=3.0, max_value=6.0),
        ),
    ]
