"""Suite `weather_labels`: how warm it was a day later."""

from __future__ import annotations

from great_expectations.expectations import core as gxe
from great_expectations.expectations.expectation import Expectation

from data_checks.context import SuiteContext
from data_checks.declare import critical, quarantine


def build(context: SuiteContext) -> list[Expectation]:
    """The expectations for the labels of a training window."""
    return [
        critical("measurement_id is unique", gxe.ExpectColumnValuesToBeUnique(column="measurement_id")),
        critical("there is a temperature", gxe.ExpectColumnValuesToNotBeNull(column="next_day_f")),
        quarantine(
            "the temperature is possible",
            gxe.ExpectColumnValuesToBeBetween(column="next_day_f", min_value=-40, max_value=130),
        ),
    ]
