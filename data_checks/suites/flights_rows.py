"""Suite `flights_rows`: what is known of a night's flights the evening before.

Critical is what makes every score of the night doubtful (identity, types, a look into the future). A single strange row
is refused and the others are scored. Bounds come from physics and from the year 2013, with room.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from great_expectations.expectations import core as gxe

from data_checks.declare import critical, quarantine, warning
from data_checks.expectations import ExpectColumnTypesToMatch
from data_checks.suites import _flights

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

    from data_checks.context import SuiteContext

RATES = tuple(f"{of}_late_rate_{days}d" for of in ("carrier", "origin", "destination") for days in (7, 28))
TYPES = (
    dict.fromkeys(("flight_id", "carrier", "origin", "destination", "aircraft", "aircraft_manufacturer"), "string")
    | dict.fromkeys(("known_at", "scheduled_departure", "weather_observed_at"), "timestamp")
    | dict.fromkeys(("flight_number", "month", "weekday", "departure_minute", "arrival_minute"), "int64")
    | dict.fromkeys(("distance_miles", "aircraft_age_years", "aircraft_seats"), "double")
    | dict.fromkeys(("temperature_f", "dew_point_f", "humidity_percent", "wind_speed_mph", "wind_gust_mph"), "double")
    | dict.fromkeys(("precipitation_in", "pressure_mb", "visibility_mi"), "double")
    | dict.fromkeys(RATES, "double")
)
ALWAYS_KNOWN = ("scheduled_departure", "carrier", "origin", "destination", "distance_miles")
RANGES: dict[str, tuple[float, float]] = {
    "flight_number": (1, 9999),
    "month": (1, 12),
    "weekday": (1, 7),
    "departure_minute": (0, 1439),
    "arrival_minute": (0, 1439),
    "distance_miles": (50, 6000),  # 17 miles is Newark to LaGuardia: no airline sells that
    "aircraft_age_years": (0, 80),
    "aircraft_seats": (1, 900),
    "temperature_f": (-40, 130),
    "dew_point_f": (-60, 100),
    "humidity_percent": (0, 100),
    "wind_speed_mph": (0, 150),  # the source has an hour of 1048 mph
    "wind_gust_mph": (0, 200),
    "precipitation_in": (0, 10),
    "pressure_mb": (870, 1090),
    "visibility_mi": (0, 50),
    **dict.fromkeys(RATES, (0, 1)),
}
# Not air pressure: a night has three observations, and on one night in twenty two of them lack it.
USUALLY_KNOWN = {
    "aircraft": 0.7,
    "aircraft_age_years": 0.5,  # American and Envoy register their aircraft under fleet numbers, which cannot be found
    "weather_observed_at": 0.95,
    "temperature_f": 0.95,
    "carrier_late_rate_28d": 0.9,
    "origin_late_rate_28d": 0.9,
    "destination_late_rate_28d": 0.9,
}
CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")
WEATHER_HOURS = 6
# Three to five times the largest divergence of a night of 2013 from May to October. Weather is left out: a night has
# three observations, one per airport, and three values are not a distribution.
DRIFT_LIMITS = {"carrier": 0.1, "origin": 0.06, "departure_minute": 0.3, "distance_miles": 0.12}


def build(context: SuiteContext) -> list[Expectation]:
    """The expectations for the rows of one night or of a training window."""
    return [*_table(context), *_identity(context), *_time(context), *_row_by_row(), *_usual(context)]


def _table(context: SuiteContext) -> list[Expectation]:
    return [
        critical(
            "the columns are exactly those declared",
            gxe.ExpectTableColumnsToMatchSet(column_set=list(TYPES), exact_match=True),
        ),
        critical("every column has its declared type", ExpectColumnTypesToMatch(types=TYPES)),
        critical("the number of rows is possible", _flights.row_count(_flights.ROWS_POSSIBLE, context)),
        warning("the number of rows is usual", _flights.row_count(_flights.ROWS_USUAL, context)),
    ]


def _identity(context: SuiteContext) -> list[Expectation]:
    form = _flights.flight_id_regex(context)
    return [
        critical("flight_id is never missing", gxe.ExpectColumnValuesToNotBeNull(column="flight_id")),
        critical("flight_id is unique", gxe.ExpectColumnValuesToBeUnique(column="flight_id")),
        critical(
            "flight_id names a flight of this partition",
            gxe.ExpectColumnValuesToMatchRegex(column="flight_id", regex=form),
        ),
    ]


def _time(context: SuiteContext) -> list[Expectation]:
    first, last = context.window
    earliest, latest = _flights.cut_off(first), _flights.cut_off(last)
    return [
        critical("known_at is never missing", gxe.ExpectColumnValuesToNotBeNull(column="known_at")),
        critical(
            "known_at is the cut-off of the night",
            gxe.ExpectColumnValuesToBeBetween(column="known_at", min_value=earliest, max_value=latest),
        ),
        critical(
            "every row was known before its flight departs",
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="scheduled_departure", column_B="known_at", ignore_row_if="either_value_is_missing"
            ),
        ),
        critical(
            "no weather was observed after the cut-off",
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="known_at",
                column_B="weather_observed_at",
                or_equal=True,
                ignore_row_if="either_value_is_missing",
            ),
        ),
        warning(
            f"the weather is at most {WEATHER_HOURS} hours old",
            gxe.ExpectColumnValuesToBeBetween(
                column="weather_observed_at", min_value=earliest - timedelta(hours=WEATHER_HOURS), mostly=0.95
            ),
        ),
        quarantine(
            "scheduled_departure is on the day of the night",
            gxe.ExpectColumnValuesToBeBetween(
                column="scheduled_departure",
                min_value=_flights.day_begins(first),
                max_value=_flights.day_begins(last + timedelta(days=1)),
                strict_max=True,
            ),
        ),
    ]


def _row_by_row() -> list[Expectation]:
    return [
        *(
            quarantine(f"{column} is known", gxe.ExpectColumnValuesToNotBeNull(column=column))
            for column in ALWAYS_KNOWN
        ),
        quarantine(
            "origin is a New York airport",
            gxe.ExpectColumnValuesToBeInSet(column="origin", value_set=list(_flights.AIRPORTS)),
        ),
        quarantine(
            "carrier is a two-character code",
            gxe.ExpectColumnValuesToMatchRegex(column="carrier", regex="^[A-Z0-9]{2}$"),
        ),
        quarantine(
            "destination is a three-letter code",
            gxe.ExpectColumnValuesToMatchRegex(column="destination", regex="^[A-Z]{3}$"),
        ),
        *(
            quarantine(
                f"{column} lies between {low:g} and {high:g}",
                gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high),
            )
            for column, (low, high) in RANGES.items()
        ),
    ]


def _usual(context: SuiteContext) -> list[Expectation]:
    return [
        *(
            warning(
                f"{column} is known for at least {share:.0%} of the rows",
                gxe.ExpectColumnValuesToNotBeNull(column=column, mostly=share),
            )
            for column, share in USUALLY_KNOWN.items()
        ),
        warning(
            "every carrier is one that was seen before",
            gxe.ExpectColumnDistinctValuesToBeInSet(column="carrier", value_set=list(CARRIERS)),
        ),
        warning(
            "the dew point is not above the temperature",
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="temperature_f",
                column_B="dew_point_f",
                or_equal=True,
                ignore_row_if="either_value_is_missing",
                mostly=0.99,
            ),
        ),
        *_flights.like_training(context, DRIFT_LIMITS),
    ]
