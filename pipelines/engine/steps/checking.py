"""Run a suite, keep its report and the refused rows, and decide whether the data may go on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_checks import CheckResult, SuiteContext, run_suite
from pipelines.engine.errors import ChecksFailed, TooManyRefused
from pipelines.engine.files import write_text, written_whole
from pipelines.engine.rows import sha256_of

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
SHOWN = 5


@dataclass(frozen=True)
class Checked:
    """What a suite's run left behind.

    Attributes:
        rows: Rows that were checked.
        refused: How many of them went to quarantine.
        quarantine: The file that keeps them, or None if there are none.
        quarantine_sha256: Its digest.
        report: The HTML report.
        summary: Short JSON.
    """

    rows: int
    refused: int
    quarantine: Path | None
    quarantine_sha256: str | None
    report: Path
    summary: dict[str, Any]


def check_frame(
    suite: str, frame: pd.DataFrame, context: SuiteContext, *, refuse_at_most: float, report: Path, quarantine: Path
) -> Checked:
    """Judge a frame by a suite.

    Args:
        suite: Its name.
        frame: The rows, in the order that defines positions.
        context: What the suite may know beside the rows.
        refuse_at_most: Share of rows (0 to 1) that may be refused.
        report: Where the HTML report belongs; it is written whatever the verdict is.
        quarantine: Where refused rows belong, if there are any; likewise.

    Raises:
        ChecksFailed: A critical expectation failed; the message says which, and where the report is.
        TooManyRefused: More rows were refused than allowed.
    """
    result = run_suite(suite, frame, context)
    refused = len(result.refused_positions)
    too_many = None
    if refused > refuse_at_most * len(frame):
        too_many = f"{refused} of {len(frame)} rows were refused ({refused / len(frame):.1%}); at most {refuse_at_most:.1%} may be."
    write_text(report, result.html(too_many))
    kept = _keep_refused(result, frame, quarantine)
    if result.status == "failed":
        raise ChecksFailed(_what_failed(result, report), report=report)
    if too_many:
        raise TooManyRefused(
            f"{suite} stopped {context.partition}: {too_many} Nothing was published.\n"
            f"{_reasons(result)}\nRefused rows: {quarantine}\nReport: {report}",
            report=report,
        )
    log.info(
        "%s: %s rows of %s, %s refused, %s; report: %s",
        suite,
        len(frame),
        context.partition,
        refused,
        result.status,
        report,
    )
    return Checked(len(frame), refused, kept, sha256_of(kept) if kept else None, report, result.summary())


def _what_failed(result: CheckResult, report: Path) -> str:
    critical = [outcome for outcome in result.failures if outcome.severity == "critical"]
    lines = [f"  - {outcome.description}: {outcome.observed}" for outcome in critical[:SHOWN]]
    if len(critical) > SHOWN:
        lines.append(f"  ... and {len(critical) - SHOWN} more")
    listed = "\n".join(lines)
    return (
        f"{result.suite} stopped {result.partition}: {len(critical)} critical of {len(result.outcomes)} expectations failed.\n"
        f"{listed}\nNothing was published. Mend the data, deliver it again, and run the night again (in Airflow: clear the task).\nReport: {report}"
    )


def _reasons(result: CheckResult) -> str:
    counts = result.refused["reasons"].value_counts().head(SHOWN)
    return "\n".join(f"  - {count} rows: {reason}" for reason, count in counts.items())


def _keep_refused(result: CheckResult, frame: pd.DataFrame, path: Path) -> Path | None:
    """Write the refused rows, whole, with their position and reasons."""
    if not len(result.refused_positions):
        return None
    rows = frame.iloc[result.refused_positions].reset_index(drop=True)
    rows.insert(0, "position", result.refused_positions)
    rows.insert(1, "reasons", result.refused["reasons"].to_numpy())
    with written_whole(path) as temporary:
        rows.to_parquet(temporary, index=False)
    return path
