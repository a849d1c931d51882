"""Writes what was measured between the marks of docs/capacity.md; the words around them are written by hand."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.capacity.sizing import Load, Measured, as_table
from benchmarks.page import table
from benchmarks.results import Found, Results

MARKED = re.compile(r"(<!-- measured: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
SIZES = (10, 100, 1000)
BARE_WATCH_MB = 60.0
"""Of a watch without any pipeline: what it has imported."""
NOT_YET = "Not measured yet: `make bench-capacity`."


def write_page(results: Results, page: Path) -> None:
    """Write every marked part of the page anew.

    Raises:
        ValueError: The page has a mark that nobody knows.
    """
    page.write_text(filled(page.read_text(), results))


def filled(text: str, results: Results) -> str:
    """Return a page with its marked parts written anew: `machine`, `sizing`, or the name of what was found.

    Raises:
        ValueError: It has a mark that nobody knows.
    """

    def part(match: re.Match[str]) -> str:
        return f"{match[1]}\n{_part(match[2], results)}\n\n{match[3]}"

    return MARKED.sub(part, text)


def _part(name: str, results: Results) -> str:
    if name == "machine":
        words = ("processor", "cores", "memory", "system", "Python")
        told = "; ".join(f"{word}: {results.machine[word]}" for word in words if word in results.machine)
        return f"Measured {results.made_at} UTC on {told}." if results.made_at else NOT_YET
    if name == "sizing":
        measured = measured_by(results)
        return as_table([Load(size) for size in SIZES], measured) if measured else NOT_YET
    if name not in KNOWN:
        raise ValueError(f"docs/capacity.md marks {name!r}; known: machine, sizing, {', '.join(KNOWN)}")
    return _told(results.studies[name]) if name in results.studies else NOT_YET


def _told(found: Found) -> str:
    return "\n".join([table(found), "", *(f"- {note}" for note in found.notes)])


KNOWN = ("parsing", "processor", "scheduler", "promises", "claims", "ledger", "looking")
"""What is found by the parts."""


def measured_by(results: Results) -> Measured | None:
    """Return the figures that sizes are made of, each from the largest house that was measured; None where one is missing."""
    if any(name not in results.studies for name in ("processor", "scheduler", "claims", "ledger", "looking")):
        return None
    processor, scheduler, claims, ledger, looking = (
        results.studies[name].rows for name in ("processor", "scheduler", "claims", "ledger", "looking")
    )
    largest, looked = list(scheduler.values())[-1], list(looking.values())[-1]
    pipelines = int(list(looking)[-1].split()[0].replace(",", ""))
    return Measured(
        file_cpu_s=list(processor.values())[-1]["cpu_ms_per_file"] / 1000,
        run_cpu_s=largest["cpu_ms_per_run"] / 1000,
        claims_per_s=claims["PostgreSQL"]["keys_per_s"],
        night_kb=list(ledger.values())[-1]["kb_per_night"],
        airflow_run_kb=largest["kb_per_run"],
        turn_cpu_s_per_pipeline=looked["turn_cpu_s"] / pipelines,
        watch_mb_per_pipeline=max(0.0, looked["watch_mb"] - BARE_WATCH_MB) / pipelines,
    )
