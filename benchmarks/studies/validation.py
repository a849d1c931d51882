"""Thirteen expectations: real Great Expectations suites on DuckDB, beside SQL written by hand, pandas and pandera."""

from __future__ import annotations

import json
import statistics
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
        line = last_line(log)
        counts[subject.name] = [int(count) for count in line["counts"]] if line else None
        first, expected = next(iter(counts.items()))
        if counts[subject.name] == expected:
            return None
        return f"{subject.name} counted other rows: {counts[subject.name]} fail the checks, and {expected} by {first}"

    names = [subject.name for subject in taking_part]
    turns = in_turn(taking_part, rounds, place.logs("validation"), say, check)
    work = f"Validation, 13 expectations, {words(scale.large)} rows"
    table = turns.table(SQL)
    cpu = {name: _cpu_of(place.logs("validation"), names.index(name), rounds) for name in words_of if name in table}
    for name, seconds in cpu.items():
        table[name]["read_and_check_cpu_s"] = round(statistics.median(seconds.values()), 3)
    held = {
        (f"{work}: CPU of reading and checking / SQL written by hand", 1.15): _ratio(cpu.get(OURS), cpu.get(SQL)),
        (f"{work}: the same / Great Expectations on pandas", 0.4): _ratio(cpu.get(OURS), cpu.get(PANDAS)),
        (f"{work}: peak MB", PEAK_MB): turns.median(OURS, "peak_mb"),
    }
    return Found(
        work,
        table,
        [Target(name, target, reached) for (name, target), reached in held.items() if reached is not None],
        [*_NOTES, *([missing] if missing else []), turns.note(rounds)],
        turns.failures,
        SQL,
    )


def _cpu_of(logs: Path, subject: int, rounds: int) -> dict[int, float]:
    """Return what a subject says that reading and checking took, CPU seconds without imports, by round."""
    said = {
        number: last_line(path) for number in range(rounds) if (path := logs / f"{subject:02d}-{number}.log").exists()
    }
    return {number: float(line["cpu_seconds"]) for number, line in said.items() if line}


def _ratio(ours: dict[int, float] | None, theirs: dict[int, float] | None) -> float | None:
    """Return the median of the ratios, round by round."""
    ratios = [ours[number] / theirs[number] for number in ours if number in theirs] if ours and theirs else []
    return statistics.median(ratios) if ratios else None


def last_line(log: Path) -> dict[str, Any] | None:
    """Return the last line of JSON with counts that a subject printed."""
    for line in reversed(log.read_text(errors="replace").splitlines()):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "counts" in value:
            return value
    return None


_NOTES = [
    (
        "Each a whole process that reads the file and checks: three columns without nulls, four ranges, two sets, one pattern, one pair, "
        "uniqueness of several columns together, the number of rows."
    ),
    (
        "Reading and checking: what the process itself counts, from the opening of the file to the verdicts. The import of Great "
        "Expectations, some seconds, is left out there: warm workers have it, and hand-written SQL needs none."
    ),
    "pandera: one `DataFrameSchema`, `lazy=True`, only the columns that it needs are read.",
]
