from __future__ import annotations

from great_expectations.expectations import core as gxe

from data_checks.declare import critical, quarantine


def build(context):
    """What must be true of labels."""
    return [
        critical("buoy is unique", gxe.ExpectColumnValuesToBeUnique(column="buoy")),
        quarantine("flooded is 0 or 1", gxe.ExpectColumnValuesToBeInSet(column="flooded", value_set=[0, 1])),
    ]
