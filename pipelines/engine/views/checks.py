"""Checks: how a suite did over the nights, failing expectations first. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.engine.ledger.values import Entry, iso


@dataclass(frozen=True)
class CheckedNight:
    """One look at one night's rows.

    Attributes:
        night: The partition.
        status: `passed`, `warned`, `failed` (critical: the night stopped), `unchecked` where there was nothing that could be
            looked at (no rows, or no readable ones), or `unknown` while it is being looked at.
        at: When.
        rows, refused: How many; None where the night stopped.
        failed: How many expectations were not met; None where the night stopped.
        report: Path of the HTML report below the reports folder; None if there is none.
        error: Why the night stopped, in words.
        key: Of the look.
    """

    night: str
    status: str
    at: str
    rows: int | None
    refused: int | None
    failed: int | None
    report: str | None
    error: str | None
    key: str


@dataclass(frozen=True)
class ExpectationLine:
    """One expectation that was not met on some nights.

    Attributes:
        expectation, column, severity: Which.
        description: In plain words; of looks that kept none, the name of the expectation.
        nights: On which it was not met, oldest first.
        observed: What was seen on the last of them.
    """

    expectation: str
    column: str | None
    severity: str
    description: str
    nights: tuple[str, ...]
    observed: str


@dataclass(frozen=True)
class SuiteView:
    """A pipeline's suite for rows over its newest nights.

    Attributes:
        pipeline: Whose.
        suite: Its name, as of the last look; empty before the first.
        nights: The last look at each, oldest first.
        failing: Expectations that were not met, most severe first, then those that failed last.
    """

    pipeline: str
    suite: str
    nights: tuple[CheckedNight, ...]
    failing: tuple[ExpectationLine, ...]


REPORT = re.compile(r"^Report: (\S.*)$", re.MULTILINE)
"""Where the error of a look that stopped a night says its report is."""
SEVERITY_ORDER = ("critical", "quarantine", "warning")


def suite_view(pipeline: str, entries: Iterable[Entry], reports: str) -> SuiteView:
    """Return how a suite did.

    Args:
        pipeline: Whose.
        entries: Keys of the step `validate`, in any order.
        reports: Root of the reports, to name their files below it.
    """
    last: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.claimed_at):
        last[entry.partition] = entry
    looked = [last[night] for night in sorted(last)]
    suites = [entry.result["summary"]["suite"] for entry in looked if entry.result]
    return SuiteView(
        pipeline,
        suites[-1] if suites else "",
        tuple(_night(entry, reports) for entry in looked),
        tuple(_failing(looked)),
    )


def stopped_by_checks(error: str | None) -> bool:
    """Whether a night was stopped by what its suite found, and not because there was nothing to look at.

    Args:
        error: As the ledger keeps it: the name of the error, then its text.
    """
    return (error or "").partition(":")[0] in ("ChecksFailed", "TooManyRefused")


def below(root: str, path: str | None) -> str | None:
    """Return a recorded path relative to a root, or None for what does not lie below it."""
    prefix = f"{root.rstrip('/')}/"
    return path[len(prefix) :] if path and path.startswith(prefix) else None


def _night(entry: Entry, reports: str) -> CheckedNight:
    at = iso(entry.finished_at if entry.finished_at is not None else entry.claimed_at)
    if not entry.result:
        status = "unknown" if entry.state != "failed" else "failed" if stopped_by_checks(entry.error) else "unchecked"
        told = REPORT.search(entry.error or "")
        report = below(reports, told[1]) if told else None
        return CheckedNight(entry.partition, status, at, None, None, None, report, entry.error, entry.key)
    summary = entry.result["summary"]
    failed = sum(summary["failed_by_severity"].values())
    report = below(reports, entry.result.get("report"))
    return CheckedNight(
        entry.partition, summary["status"], at, summary["rows"], summary["refused"], failed, report, None, entry.key
    )


def _failing(looked: Sequence[Entry]) -> list[ExpectationLine]:
    found: dict[tuple[str, str | None, str, str], tuple[list[str], str]] = {}
    for entry in looked:
        for line in entry.result["summary"]["failed"] if entry.result else ():
            words = line.get("description") or line["expectation"]
            which = (line["expectation"], line["column"], line["severity"], words)
            nights, _ = found.get(which, ([], ""))
            found[which] = ([*nights, entry.partition], line["observed"])
    lines = [ExpectationLine(*which, tuple(nights), observed) for which, (nights, observed) in found.items()]
    lines.sort(key=lambda line: line.nights[-1], reverse=True)
    return sorted(lines, key=lambda line: SEVERITY_ORDER.index(line.severity))
