"""Suite `weather_rows`: what was measured at the airports the day before."""

from __future__ import annotations

from great_expectations.expectations import core as gxe
from great_expectations.expectations.expectation import Expectation

from data_checks.context import SuiteContext
from data_checks.declare import critical, quarantine, warning

AIRPORTS = ["EWR", "JFK", "LGA"]
POSSIBLE = {"temperature_f": (-40, 130), "humidity_percent": (0, 100), "wind_speed_mph": (0, 200)}


def build(context: SuiteContext) -> list[Expectation]:
    """The expectations for the rows of one night or of a training window."""
    return [
        critical("measurement_id is unique", gxe.ExpectColumnValuesToBeUnique(column="measurement_id")),
        critical(
            "there are at most 24 measurements of each airport",
            gxe.ExpectTableRowCountToBeBetween(min_value=1, max_value=72 * context.nights),
        ),
        critical("airports are known", gxe.ExpectColumnValuesToBeInSet(column="airport", value_set=AIRPORTS)),
        critical("hour is an hour", gxe.ExpectColumnValuesToBeBetween(column="hour", min_value=0, max_value=23)),
        quarantine("a temperature was measured", gxe.ExpectColumnValuesToNotBeNull(column="temperature_f")),
        *(
            quarantine(
                f"{column} is possible",
                gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high),
            )
            for column, (low, high) in POSSIBLE.items()
        ),
        warning("half of the hours were measured", gxe.ExpectTableRowCountToBeBetween(min_value=36 * context.nights)),
    ]
