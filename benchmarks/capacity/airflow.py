"""Airflow's DAG processor and scheduler, for houses of several sizes."""

from __future__ import annotations

from pathlib import Path

from benchmarks.capacity.house import House, airflow_tables
from benchmarks.capacity.processor import read_all, serialized
from benchmarks.capacity.repository import write_repository
from benchmarks.capacity.scale import Scale
from benchmarks.capacity.scheduling import TICK_SECONDS, TUNED, watch_scheduler
from benchmarks.results import Found

OWN, ROOMY = "Airflow's own limits", "100 runs in a round"


def measure(folder: Path, scale: Scale) -> dict[str, Found]:
    """Run a DAG processor, and then a scheduler, for as many pipelines as the scale names.

    Raises:
        RuntimeError, TimeoutError: A process did not do its work.
    """
    from nightshift.drill.servers import DatabaseServer

    read: dict[str, dict[str, float]] = {}
    scheduled: dict[str, dict[str, float]] = {}
    write_repository(folder / "empty", 0)
    with DatabaseServer(durable=True) as server, airflow_tables(server, folder / "empty") as template:
        for pipelines in scale.pipelines:
            write_repository(folder / str(pipelines), pipelines)
            with House(server, folder / str(pipelines), template=template) as house:
                for processes in (1, 2) if pipelines in scale.by_one else (2,):
                    plural = "processes" if processes > 1 else "process"
                    read[f"{pipelines:,} files, {processes} parsing {plural}"] = read_all(house, pipelines, processes)
                for name, settings in ((OWN, {}), (ROOMY, TUNED)) if pipelines in scale.by_both else ((ROOMY, TUNED),):
                    line = watch_scheduler(house, pipelines, scale.idle_seconds, settings)
                    scheduled[f"{pipelines:,} pipelines, {name}"] = line
                stored, size, megabytes = serialized(house)
    return {
        "processor": Found(
            "Airflow's DAG processor",
            read,
            [],
            [
                "a real `airflow dag-processor` on PostgreSQL (fsync on); each file has a scoring and a training DAG",
                "all serialized: from the start of the process, with its imports; again: nothing has changed since",
                f"{stored:,.0f} serialized DAGs have {size:,.0f} bytes each, and {megabytes:.1f} MB in the database",
            ],
        ),
        "scheduler": Found(
            "Airflow's scheduler, idle and at the tick",
            scheduled,
            [],
            [
                "idle: nothing is due; at the tick all scoring DAGs are due at once, and no slot is free, so that tasks stay ready",
                f"a round: `_do_scheduling`; longest round: of those at the tick; {TICK_SECONDS:.0f} s: not all of them until then",
                f"{ROOMY}: `max_dagruns_to_create_per_loop` and `max_dagruns_per_loop_to_schedule`; they are 10 and 20 by default",
            ],
        ),
    }
