from __future__ import annotations

from great_expectations.expectations import core as gxe

from data_checks.declare import critical


def build(context):
    """What must be true of labels of any kind."""
    return [critical("buoy is unique", gxe.ExpectColumnValuesToBeUnique(column="buoy"))]
