"""A suite over the nights as rows of cells: which night was looked at, and which expectation it did not meet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.engine.views.checks import CheckedNight, ExpectationLine, SuiteView

LETTERS = {"passed": "p", "warned": "l", "failed": "f", "unchecked": "u", "unknown": "r"}
WORDS = {
    "passed": "passed",
    "warned": "warned",
    "failed": "stopped",
    "unchecked": "nothing to look at",
    "unknown": "being looked at",
}
SEVERITIES = {"critical": "f", "quarantine": "q", "warning": "l"}


@dataclass(frozen=True)
class Look:
    """One cell: a night, a letter for its colour and pattern, what it says, and the report that it leads to."""

    night: str
    letter: str
    said: str
    report: str | None


@dataclass(frozen=True)
class Row:
    """One expectation that was not met on some nights, and a cell for each night."""

    line: ExpectationLine
    looks: tuple[Look, ...]


def looks(suite: SuiteView) -> tuple[Look, ...]:
    """Return how each night did as a whole."""
    return tuple(
        Look(night.night, LETTERS[night.status], f"{night.night}: {WORDS[night.status]}{_numbers(night)}", night.report)
        for night in suite.nights
    )


def rows(suite: SuiteView) -> tuple[Row, ...]:
    """Return a row for each expectation that was not met, failing ones first as the suite has them."""
    return tuple(Row(line, _looks_at(suite, line)) for line in suite.failing)


def _looks_at(suite: SuiteView, line: ExpectationLine) -> tuple[Look, ...]:
    found = []
    for night in suite.nights:
        if night.night in line.nights:
            found.append(Look(night.night, SEVERITIES[line.severity], f"{night.night}: not met", night.report))
        elif night.status in ("passed", "warned"):
            found.append(Look(night.night, "p", f"{night.night}: met", night.report))
        else:
            found.append(Look(night.night, "a", f"{night.night}: not known", night.report))
    return tuple(found)


def _numbers(night: CheckedNight) -> str:
    if night.rows is None:
        return ""
    return f", {night.rows} rows" + (f", {night.refused} refused" if night.refused else "")
