"""What does a DAG file cost the process that reads it, and how much of that is ours?"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.capacity.repository import DAG_FILE, write_bare_files, write_repository
from benchmarks.capacity.scale import Scale
from benchmarks.results import Found, Target
from pipelines.engine.settings import REPOSITORY

TOGETHER = 10
TIMES = 2.0
OURS, BARE, MANY = "a pipeline's two DAGs", "two bare DAGs of as many tasks", f"{TOGETHER} pipelines in one file"
PLAIN_BARE, PLAIN_OURS = f"{BARE}, without our preload", f"{OURS}, without our preload"


def measure(folder: Path, scale: Scale) -> dict[str, Found]:
    """Read files of ours and bare ones in turn, in forks of one process; and once more in one without our preload.

    Raises:
        RuntimeError: A file could not be read.
    """
    names = write_repository(folder, max(scale.files, TOGETHER))
    write_bare_files(folder / "bare", scale.files)
    many = folder / "dags" / "together.py"
    many.write_text("".join(_module(name, number) for number, name in enumerate(names[:TOGETHER], start=1)))
    ours = [folder / "dags" / f"{name}.py" for name in names[: scale.files]]
    bare = sorted((folder / "bare").glob("*.py"))
    in_turn = [file for pair in zip(ours, bare, strict=True) for file in pair]
    found: dict[str, list[dict[str, Any]]] = {OURS: [], BARE: [], MANY: [], PLAIN_BARE: [], PLAIN_OURS: []}
    for file, answer in _read("preloaded", folder, [*in_turn, *[many] * 5]):
        found[MANY if file == many else OURS if file in ours else BARE].append(answer)
    for file, answer in _read("plain", folder, in_turn):
        found[PLAIN_OURS if file in ours else PLAIN_BARE].append(answer)
    rows = {name: _line(answers, TOGETHER if name == MANY else 1) for name, answers in found.items()}
    ratio = rows[OURS]["cpu_ms"] / rows[BARE]["cpu_ms"]
    return {
        "parsing": Found(
            "A DAG file, read and serialized in a fork",
            rows,
            [Target("a file of ours / a bare file, both preloaded", TIMES, ratio)],
            [
                f"median of {scale.files} files of each kind, in turn; CPU milliseconds of the fork, its start and end included",
                "the bare file has the same timetables, tasks and a mapped one, and no promises, assets or retry rules",
                f"{MANY}: for each pipeline",
            ],
        )
    }


def _line(answers: Sequence[dict[str, Any]], pipelines: int) -> dict[str, float]:
    def middle(of: str) -> float:
        return statistics.median(answer[of] for answer in answers) * 1000 / pipelines

    sizes = [size for answer in answers for size in answer["sizes"]]
    return {"cpu_ms": middle("all"), "read_ms": middle("read"), "serialize_ms": middle("serialize"), "bytes_per_dag": statistics.fmean(sizes)}  # fmt: skip


def _module(name: str, number: int) -> str:
    """Return a DAG file's text as a part of a longer one."""
    text = DAG_FILE.format(name=name, number=number, team=0)
    return text.replace("scoring =", f"{name}_scoring =").replace("training =", f"{name}_training =")


def _read(how: str, folder: Path, files: Sequence[Path]) -> list[tuple[Path, dict[str, Any]]]:
    home = folder / f"home-{how}"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "plugins"), str(REPOSITORY)]),
        "AIRFLOW_HOME": str(home),
        "NIGHTSHIFT_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.capacity.reading", how, str(folder), *map(str, files)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        raise RuntimeError(f"the DAG files cannot be read:\n{done.stderr[-2000:]}")
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for answer in answers:
        if answer["errors"] or not answer["sizes"]:
            raise RuntimeError(f"a DAG file cannot be read: {answer['errors']}")
    return list(zip(files, answers, strict=True))
