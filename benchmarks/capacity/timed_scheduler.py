"""Airflow's scheduler, which writes down how long each of its rounds takes: `python -m ... FILE`.

Airflow measures the same (`scheduler.scheduler_loop_duration`) and tells it to a metrics server.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from pathlib import Path
from typing import Any


def main(file: str) -> None:
    """Become `airflow scheduler`.

    Args:
        file: Gets a line of JSON for each round: when it began (seconds since 1970), its seconds, and its CPU seconds.
    """
    sys.argv = [
        "airflow",
        "scheduler",
        "--skip-serve-logs",
    ]  # before Airflow is imported: our settings module looks at it
    from airflow.__main__ import main as airflow
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    original: Any = SchedulerJobRunner._do_scheduling  # noqa: SLF001
    rounds = Path(file).open("a", buffering=1)  # noqa: SIM115 - as long as the process

    @functools.wraps(original)
    def timed(self: Any, *arguments: Any, **named: Any) -> Any:
        at, wall, cpu = time.time(), time.perf_counter(), time.process_time()
        try:
            return original(self, *arguments, **named)
        finally:
            rounds.write(json.dumps([at, time.perf_counter() - wall, time.process_time() - cpu]) + "\n")

    SchedulerJobRunner._do_scheduling = timed  # type: ignore[method-assign]  # noqa: SLF001
    airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1])
