"""Suite `digits_rows`: handwritten digits as 8 x 8 pixels of seventeen shades."""

from __future__ import annotations

from great_expectations.expectations import core as gxe
from great_expectations.expectations.expectation import Expectation

from data_checks.context import SuiteContext
from data_checks.declare import critical, quarantine

PIXELS = [f"pixel_{number:02}" for number in range(64)]


def build(context: SuiteContext) -> list[Expectation]:
    """The expectations for the rows of one night or of a training window."""
    return [
        critical("digit_id is unique", gxe.ExpectColumnValuesToBeUnique(column="digit_id")),
        critical("there are digits", gxe.ExpectTableRowCountToBeBetween(min_value=5 * context.nights)),
        *(
            quarantine(
                f"{pixel} is a shade from 0 to 16",
                gxe.ExpectColumnValuesToBeBetween(column=pixel, min_value=0, max_value=16),
            )
            for pixel in PIXELS
        ),
    ]
