"""What a suite found: one `Outcome` per expectation, and the `CheckResult` around them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy
    import pandas

Severity = Literal["critical", "warning", "quarantine"]
Status = Literal["passed", "warned", "failed"]

SEVERITIES: tuple[Severity, ...] = ("critical", "quarantine", "warning")
"""Most urgent first: the order in which people read them."""

_SUMMARY_BYTES = 2000
_OBSERVED_CHARACTERS = 160


@dataclass(frozen=True)
class Outcome:
    """What one expectation found.

    Attributes:
        name: Type of the expectation, for example "expect_column_values_to_be_between".
        column: Column or columns it looked at ("a, b"), None for the whole table.
        severity: What a failure means; an expectation that raised is critical whatever it was declared as.
        passed: Whether the rows were as expected.
        description: The expectation in plain words, unique within its suite.
        observed: What was found instead, in words.
        unexpected_count: Failing rows, 0 for statements about a whole column or table.
        examples: At most five failing values, as text.
        raised: True when the expectation could not be evaluated at all.
    """

    name: str
    column: str | None
    severity: Severity
    passed: bool
    description: str
    observed: str
    unexpected_count: int = 0
    examples: tuple[str, ...] = ()
    raised: bool = False


def status_of(outcomes: Iterable[Outcome]) -> Status:
    """`failed` for any critical failure, `warned` for any other, else `passed`."""
    failed = {outcome.severity for outcome in outcomes if not outcome.passed}
    if "critical" in failed:
        return "failed"
    return "warned" if failed else "passed"


@dataclass(frozen=True, eq=False)
class CheckResult:
    """What a suite found in one partition.

    Attributes:
        suite: Name of the suite.
        partition: Partition key of the rows.
        status: `failed` stops the night, `warned` is shown.
        rows: Number of rows that were checked.
        outcomes: One per expectation, in the order of the suite file.
        refused: Id columns and "reasons" (text, joined by "; "), one line per refused row, in row order.
        refused_positions: Positions of those rows, sorted, unique, int64, shape (refused rows,).
        by_pandas: Of rows in files, what DuckDB could not answer and pandas did: metric and columns.
    """

    suite: str
    partition: str
    status: Status
    rows: int
    outcomes: tuple[Outcome, ...]
    refused: pandas.DataFrame = field(repr=False)
    refused_positions: numpy.ndarray[Any, Any] = field(repr=False)
    by_pandas: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Failed outcomes, critical ones first."""
        failed = [outcome for outcome in self.outcomes if not outcome.passed]
        return tuple(sorted(failed, key=lambda outcome: SEVERITIES.index(outcome.severity)))

    def summary(self) -> dict[str, Any]:
        """The result as short JSON: plain Python values only, under 2 KB.

        Failures that do not fit are counted in `failed_not_shown`; critical ones are shown first.
        """
        failures = self.failures
        by_pandas = {"by_pandas": shortened(", ".join(self.by_pandas), _OBSERVED_CHARACTERS)} if self.by_pandas else {}
        short: dict[str, Any] = {
            "suite": self.suite[:80],
            "partition": self.partition[:80],
            "status": self.status,
            "rows": int(self.rows),
            "refused": len(self.refused_positions),
            "expectations": len(self.outcomes),
            "failed_by_severity": {name: sum(o.severity == name for o in failures) for name in SEVERITIES},
            "failed": [],
            "failed_not_shown": len(failures),
            **by_pandas,
        }
        for outcome in failures:
            longer = short | {
                "failed": [*short["failed"], _line(outcome)],
                "failed_not_shown": short["failed_not_shown"] - 1,
            }
            if len(json.dumps(longer)) > _SUMMARY_BYTES:
                break
            short = longer
        return short

    def html(self, stopped: str | None = None) -> str:
        """The result as one self-contained HTML page.

        Args:
            stopped: Why the caller stops though no critical expectation failed, as when too many rows were refused.
        """
        from data_checks.report import render

        return render(self, stopped)


def _line(outcome: Outcome) -> dict[str, str | None]:
    return {
        "expectation": outcome.name,
        "description": shortened(outcome.description, _OBSERVED_CHARACTERS),
        "column": outcome.column,
        "severity": outcome.severity,
        "observed": shortened(outcome.observed, _OBSERVED_CHARACTERS),
    }


def shortened(text: str, length: int) -> str:
    """`text`, cut to `length` characters with an ellipsis where it was longer."""
    return text if len(text) <= length else text[: length - 1] + "…"
