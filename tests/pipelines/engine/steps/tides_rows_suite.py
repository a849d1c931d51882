from __future__ import annotations

from great_expectations.expectations import core as gxe

from data_checks.declare import critical, quarantine, warning


def build(context):
    """What must be true of buoys: unique names, and at most 10,000 of them; strange winds are refused."""
    return [
        critical("buoy is unique", gxe.ExpectColumnValuesToBeUnique(column="buoy")),
        critical("there are at most 10000 buoys", gxe.ExpectTableRowCountToBeBetween(max_value=10_000)),
        quarantine(
            "wind lies between -5 and 5", gxe.ExpectColumnValuesToBeBetween(column="wind", min_value=-5, max_value=5)
        ),
        warning("the mean of depth is usual", gxe.ExpectColumnMeanToBeBetween(column="depth", max_value=150)),
    ]
