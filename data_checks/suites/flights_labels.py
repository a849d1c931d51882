"""Suite `flights_labels`: what became of a night's flights, known a day later.

A label that contradicts itself teaches the model a lie, so contradictions between `outcome` and `late` are critical.
A delay that does not fit its outcome refuses that row: the label may be right, but nobody can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from great_expectations.expectations import core as gxe
from great_expectations.expectations.row_conditions import Column

from data_checks.declare import critical, quarantine, warning
from data_checks.expectations import ExpectColumnTypesToMatch
from data_checks.suites import _flights

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

    from data_checks.context import SuiteContext

TYPES = {
    "flight_id": "string",
    "label_arrived_at": "timestamp",
    "late": "int64",
    "outcome": "string",
    "arrival_delay_minutes": "double",
}
LATE_OF_OUTCOME = {"on_time": 0, "late": 1, "diverted": 1, "cancelled": 1}
LATE_FROM_MINUTES = 15
ALWAYS_KNOWN = ("flight_id", "label_arrived_at", "late", "outcome")
# 2013 has nights with 4 % late flights and one with 83 %.
LATE_SHARE_USUAL = (0.02, 0.85)
DRIFT_LIMITS = {"late": 0.5, "outcome": 0.5}  # reached when a fifth of late flights becomes seven tenths


def build(context: SuiteContext) -> list[Expectation]:
    """The expectations for the labels of one night or of a training window."""
    return [*_table(context), *_identity(context), *_label(), *_delay(), *_usual(context)]


def _table(context: SuiteContext) -> list[Expectation]:
    return [
        critical(
            "the columns are exactly those declared",
            gxe.ExpectTableColumnsToMatchSet(column_set=list(TYPES), exact_match=True),
        ),
        critical("every column has its declared type", ExpectColumnTypesToMatch(types=TYPES)),
        critical("the number of labels is possible", _flights.row_count(_flights.ROWS_POSSIBLE, context)),
        warning("the number of labels is usual", _flights.row_count(_flights.ROWS_USUAL, context)),
        *(
            critical(f"{column} is never missing", gxe.ExpectColumnValuesToNotBeNull(column=column))
            for column in ALWAYS_KNOWN
        ),
    ]


def _identity(context: SuiteContext) -> list[Expectation]:
    first, last = context.window
    form = _flights.flight_id_regex(context)
    return [
        critical("flight_id is unique", gxe.ExpectColumnValuesToBeUnique(column="flight_id")),
        critical(
            "flight_id names a flight of this partition",
            gxe.ExpectColumnValuesToMatchRegex(column="flight_id", regex=form),
        ),
        critical(
            "label_arrived_at is noon of the day after",
            gxe.ExpectColumnValuesToBeBetween(
                column="label_arrived_at",
                min_value=_flights.labels_arrive(first),
                max_value=_flights.labels_arrive(last),
            ),
        ),
    ]


def _label() -> list[Expectation]:
    return [
        critical("late is 0 or 1", gxe.ExpectColumnValuesToBeInSet(column="late", value_set=[0, 1])),
        critical(
            "outcome is one of the four",
            gxe.ExpectColumnValuesToBeInSet(column="outcome", value_set=list(LATE_OF_OUTCOME)),
        ),
        critical(
            "late agrees with outcome",
            gxe.ExpectColumnPairValuesToBeInSet(
                column_A="outcome", column_B="late", value_pairs_set=list(LATE_OF_OUTCOME.items())
            ),
        ),
    ]


def _delay() -> list[Expectation]:
    delay, outcome = "arrival_delay_minutes", Column("outcome")
    return [
        quarantine(
            f"{delay} lies between -180 and 3000",
            gxe.ExpectColumnValuesToBeBetween(column=delay, min_value=-180, max_value=3000),
        ),
        quarantine(
            f"a flight that was on time has a delay below {LATE_FROM_MINUTES} minutes",
            gxe.ExpectColumnValuesToBeBetween(
                column=delay, max_value=LATE_FROM_MINUTES, strict_max=True, row_condition=outcome == "on_time"
            ),
        ),
        quarantine(
            f"a flight that was late has a delay of {LATE_FROM_MINUTES} minutes or more",
            gxe.ExpectColumnValuesToBeBetween(
                column=delay, min_value=LATE_FROM_MINUTES, row_condition=outcome == "late"
            ),
        ),
        quarantine(
            "a flight that arrived has a delay",
            gxe.ExpectColumnValuesToNotBeNull(column=delay, row_condition=outcome.is_in(["on_time", "late"])),
        ),
        quarantine(
            "a flight that did not arrive has no delay",
            gxe.ExpectColumnValuesToBeNull(column=delay, row_condition=outcome.is_in(["diverted", "cancelled"])),
        ),
    ]


def _usual(context: SuiteContext) -> list[Expectation]:
    low, high = LATE_SHARE_USUAL
    return [
        warning(
            f"between {low:.0%} and {high:.0%} of the flights are late",
            gxe.ExpectColumnMeanToBeBetween(column="late", min_value=low, max_value=high),
        ),
        warning(
            "at most 30% of the flights are cancelled",
            gxe.ExpectColumnValuesToNotBeInSet(column="outcome", value_set=["cancelled"], mostly=0.7),
        ),
        warning(
            "the median delay lies between -40 and 90 minutes",
            gxe.ExpectColumnMedianToBeBetween(column="arrival_delay_minutes", min_value=-40, max_value=90),
        ),
        *_flights.like_training(context, DRIFT_LIMITS),
    ]
