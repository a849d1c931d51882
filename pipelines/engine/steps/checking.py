"""Run a suite, keep its report and the refused rows, and decide whether the data may go on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_checks import CheckResult, ParquetRows, RowsDamaged, SuiteContext, open_rows, run_suite
from pipelines.engine.errors import ChecksFailed, TooManyRefused
from pipelines.engine.files import sha256_of
from pipelines.engine.rows import NightFile, unreadable
from pipelines.engine.storage import Location

if TYPE_CHECKING:
    from data_checks.files.view import View

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
    quarantine: Location | None
    quarantine_sha256: str | None
    report: Location
    summary: dict[str, Any]


def check_rows(
    suite: str,
    rows: View,
    context: SuiteContext,
    *,
    refuse_at_most: float,
    report: Location,
    quarantine: Location,
) -> Checked:
    """Judge the rows of some files by a suite, without reading them whole.

    Args:
        suite: Its name.
        rows: The files, open.
        context: What the suite may know beside the rows.
        refuse_at_most: Share of rows (0 to 1) that may be refused.
        report: Where the HTML report belongs; it is written whatever the verdict is.
        quarantine: Where refused rows belong, if there are any; likewise.

    Raises:
        ChecksFailed: A critical expectation failed; the message says which, and where the report is.
        TooManyRefused: More rows were refused than allowed.
    """
    result = run_suite(suite, rows, context)
    refused = len(result.refused_positions)
    too_many = None
    if refused > refuse_at_most * result.rows:
        too_many = f"{refused} of {result.rows} rows were refused ({refused / result.rows:.1%}); at most {refuse_at_most:.1%} may be."
    report.write_text(result.html(too_many))
    kept, digest = _keep_refused(result, rows, quarantine)
    if result.status == "failed":
        raise ChecksFailed(_what_failed(result, report), report=str(report))
    if too_many:
        raise TooManyRefused(
            f"{suite} stopped {context.partition}: {too_many} Nothing was published.\n"
            f"{_reasons(result)}\nRefused rows: {quarantine}\nReport: {report}",
            report=str(report),
        )
    log.info(
        "%s: %s rows of %s, %s refused, %s; report: %s",
        suite,
        result.rows,
        context.partition,
        refused,
        result.status,
        report,
    )
    return Checked(result.rows, refused, kept, digest, report, result.summary())


def _what_failed(result: CheckResult, report: Location) -> str:
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


@contextmanager
def open_files(files: Sequence[NightFile], columns: Mapping[str, str]) -> Iterator[View]:
    """Open the rows of some files for a `with` block.

    Args:
        files: In the order that defines positions.
        columns: Declared columns with their types.

    Raises:
        RowsUnreadable: A file's data is damaged though its footer is not; also whenever the rows are asked inside.
    """
    try:
        with open_rows(ParquetRows(tuple(file.copy for file in files), columns)) as rows:
            yield rows
    except RowsDamaged as error:
        delivered = next((file.path for file in files if file.copy == error.path), str(error.path))
        raise unreadable(delivered, error.reason) from None


def _keep_refused(result: CheckResult, rows: View, location: Location) -> tuple[Location, str] | tuple[None, None]:
    """Write the refused rows, whole, with their position and reasons; return the file and its digest."""
    if not len(result.refused_positions):
        return None, None
    refused = rows.at(list(rows.kinds), result.refused_positions)
    refused.insert(0, "position", result.refused_positions)
    refused.insert(1, "reasons", result.refused["reasons"].to_numpy())
    with location.writing() as temporary:
        refused.to_parquet(temporary, index=False)
        digest = sha256_of(temporary)
    return location, digest
