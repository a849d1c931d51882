"""Thirteen expectations: real Great Expectations suites on DuckDB, beside SQL written by hand, pandas and pandera."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from benchmarks.measuring.process import Subject
from benchmarks.measuring.turns import in_turn
from benchmarks.places import PEERS, Place
from benchmarks.results import Found, Target
from benchmarks.studies.scale import Scale, say, words
from benchmarks.studies.subjects import lacking

OURS = "Nightshift: Great Expectations on DuckDB"
SQL = "SQL written by hand, DuckDB"
PANDAS = "Great Expectations on pandas"
PANDERA = "pandera, on pandas"
MODULE = "benchmarks.validation"
PEAK_MB = 1600.0


def study(folder: Path, rounds: int, scale: Scale) -> Found:
    """Read and check the same file with everybody."""
    if find_spec(MODULE) is None:
        raise click.ClickException(f"there is no {MODULE}, which has the subjects")
    place = Place(folder)
    data = folder / f"validation-{scale.large}"
    data.mkdir(parents=True, exist_ok=True)
    prepare = Subject("prepare", [sys.executable, "-m", MODULE, "prepare", str(data), str(scale.large)])
    if not (data / "rows.parquet").exists():
        made = in_turn([prepare], 1, place.logs("validation-prepare"), say)
        if made.failures:
            raise click.ClickException(made.failures["prepare"])
    words_of = {OURS: "ours", SQL: "sql", PANDAS: "pandas"}
    taking_part = [Subject(name, [sys.executable, "-m", MODULE, word, str(data)]) for name, word in words_of.items()]
    missing = lacking(PANDERA) if scale.heavy_peers else None
    if scale.heavy_peers and missing is None:
        taking_part.append(Subject(PANDERA, [str(PEERS), "-m", "benchmarks.subjects.pandera_checks", str(data)]))
    counts: dict[str, list[int] | None] = {}

    def check(subject: Subject, log: Path) -> str | None:
        counts[subject.name] = counts_of(log.read_text(errors="replace"))
        first, expected = next(iter(counts.items()))
        if counts[subject.name] == expected:
            return None
        return f"{subject.name} counted other rows: {counts[subject.name]} fail the checks, and {expected} by {first}"

    turns = in_turn(taking_part, rounds, place.logs("validation"), say, check)
    work = f"Validation, 13 expectations, {words(scale.large)} rows"
    held = {
        (f"{work}: CPU / SQL written by hand", 1.15): turns.ratio(OURS, SQL),
        (f"{work}: CPU / Great Expectations on pandas", 0.4): turns.ratio(OURS, PANDAS),
        (f"{work}: peak MB", PEAK_MB): turns.median(OURS, "peak_mb"),
    }
    return Found(
        work,
        turns.table(SQL),
        [Target(name, target, reached) for (name, target), reached in held.items() if reached is not None],
        [*_NOTES, *([missing] if missing else []), turns.note(rounds)],
        turns.failures,
        SQL,
    )


def counts_of(said: str) -> list[int] | None:
    """Return how many rows failed each check, from the line of JSON that a subject prints; None if it printed none."""
    for line in reversed(said.splitlines()):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "counts" in value:
            return [int(count) for count in value["counts"]]
    return None


_NOTES = [
    (
        "Each a whole process that reads the file and checks: three columns without nulls, four ranges, two sets, one pattern, one pair, "
        "uniqueness of several columns together, the number of rows."
    ),
    "pandera: one `DataFrameSchema`, `lazy=True`, only the columns that it needs are read.",
]
