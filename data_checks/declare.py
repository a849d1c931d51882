"""The three words that a suite file is written in: `critical`, `warning`, `quarantine`.

Each takes a sentence that people will read (in the report, in an alert, as a refused row's reason) and a Great
Expectations expectation. Great Expectations knows no quarantine, so it is a warning there and our word is in `meta`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from great_expectations.expectations.expectation import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.metadata_types import FailureSeverity

from data_checks.errors import SuiteMistake

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

    from data_checks.results import Severity

_ROW_BY_ROW = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)


def critical(says: str, expectation: Expectation) -> Expectation:
    """An expectation that stops the night when it fails."""
    return _declared(says, expectation, "critical")


def warning(says: str, expectation: Expectation) -> Expectation:
    """An expectation whose failure is recorded and shown while the night goes on."""
    return _declared(says, expectation, "warning")


def quarantine(says: str, expectation: Expectation) -> Expectation:
    """An expectation that refuses the rows failing it, with `says` as the reason.

    Raises:
        SuiteMistake: The expectation judges no single rows, or lets a share of failing rows through (`mostly`).
    """
    name = type(expectation).__name__
    if not isinstance(expectation, _ROW_BY_ROW):
        raise SuiteMistake(
            f"quarantine('{says}') needs an expectation that judges row by row, got {name}. Use critical() or warning()"
            " for a statement about a whole column or table."
        )
    if expectation.mostly != 1:
        raise SuiteMistake(
            f"quarantine('{says}') got {name} with mostly={expectation.mostly}, but every failing row is refused."
            " Leave mostly out; the share that may be refused is declared by the pipeline."
        )
    return _declared(says, expectation, "quarantine")


def severity_of(expectation: Expectation) -> Severity:
    """The severity that an expectation was declared with.

    Raises:
        SuiteMistake: It was declared with none.
    """
    severity: Severity | None = (expectation.meta or {}).get("severity")
    if severity is None:
        raise SuiteMistake(
            f"A suite lists {type(expectation).__name__} without a severity. Wrap it in critical(), warning() or"
            " quarantine()."
        )
    return severity


def _declared(says: str, expectation: Expectation, severity: Severity) -> Expectation:
    expectation.description = says
    expectation.severity = FailureSeverity.CRITICAL if severity == "critical" else FailureSeverity.WARNING
    expectation.meta = {"severity": severity}
    return expectation
