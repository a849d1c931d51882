"""What do `promises sync` and `doctor` cost where there are very many DAG files?"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.capacity.repository import write_repository
from benchmarks.capacity.scale import Scale
from benchmarks.results import Found

SYNC = ("promises", "sync")
DOCTOR = ("doctor",)
KINDLY = (0, 1)
"""Exit codes: `doctor` ends with 1 where it has found something."""


def measure(folder: Path, scale: Scale) -> dict[str, Found]:
    """Run both commands for each number of pipelines.

    Raises:
        RuntimeError: A command failed.
    """
    rows: dict[str, dict[str, float]] = {}
    for pipelines in scale.pipelines:
        repository = folder / str(pipelines)
        write_repository(repository, pipelines)
        _run(repository, ("migrate",))
        line = {}
        for name, words in (("sync", SYNC), ("doctor", DOCTOR)):
            line[f"{name}_s"], line[f"{name}_cpu_s"] = _run(repository, words)
        rows[f"{pipelines:,} pipelines, {2 * pipelines:,} DAGs"] = line
    notes = [
        "whole commands, imports included, with a ledger on SQLite; the watch does as `sync` does when a file has changed"
    ]
    return {"promises": Found("Reading what all DAG files promise", rows, [], notes)}


def _run(repository: Path, words: tuple[str, ...]) -> tuple[float, float]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(repository), str(repository / "plugins")]),
        "NIGHTSHIFT_HOME": str(repository / "home"),
        "AIRFLOW_HOME": str(repository / "home" / "airflow"),
    }
    environment.pop("NIGHTSHIFT_LEDGER_URL", None)
    command = [sys.executable, "-W", "ignore", "-c", "from nightshift.cli import main; main()", *words]
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, cwd=repository, capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in KINDLY:
        raise RuntimeError(f"nightshift {' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu
