"""The report that people open: one HTML page without anything from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_checks.results import CheckResult

_REFUSED_SHOWN = 50
_WHAT_TO_DO = {
    "failed": (
        "The night stops here: nothing was scored or published. Read the critical lines below, fix the data where it"
        " comes from (or the suite, if the world has changed), and clear the red task. Finished work is not repeated."
    ),
    "warned": (
        "The night goes on. Look at the lines below today: a warning tells what changed, and refused rows are kept"
        " with their reasons instead of being scored."
    ),
    "passed": "Nothing to do: every expectation was met.",
}


def render(result: CheckResult, stopped: str | None = None) -> str:
    """The page for one result: failures first, then refused rows, then everything that passed.

    Args:
        result: What the suite found.
        stopped: Why the caller stops all the same, as when too many rows were refused.
    """
    from jinja2 import Environment, StrictUndefined

    source = Path(__file__).with_name("report.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    shown = result.refused.head(_REFUSED_SHOWN)
    return template.from_string(source).render(
        result=result,
        status="failed" if stopped else result.status,
        what_to_do=f"{stopped} {_WHAT_TO_DO['failed']}" if stopped else _WHAT_TO_DO[result.status],
        failures=result.failures,
        passed=[outcome for outcome in result.outcomes if outcome.passed],
        refused_count=len(result.refused_positions),
        refused_columns=["row", *shown.columns],
        refused_lines=[
            [position, *line]
            for position, line in zip(
                result.refused_positions.tolist(), shown.itertuples(index=False, name=None), strict=False
            )
        ],
    )
