"""How long does Airflow's DAG processor need for all files, and what does it do all day when none of them changes?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.capacity.counting import used_by, wait_until
from benchmarks.capacity.house import House

START_SECONDS, READ_SECONDS = 120.0, 600.0
AGAIN_SECONDS = 12.0
"""A second pass is watched for so long at most."""
EAGER = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "0"}
PARSED = "SELECT count(*) FROM dag WHERE last_parsed_time > '{}'"
SPAN = "SELECT extract(epoch FROM max(last_parsed_time) - min(last_parsed_time)) FROM dag WHERE last_parsed_time > '{}'"


def read_all(house: House, pipelines: int, processes: int) -> dict[str, float]:
    """Let a DAG processor read all files, and go on for a while.

    Args:
        house: Whose; what was stored of its files is forgotten first.
        pipelines: How many files there are; each has two DAGs.
        processes: `parsing_processes`.

    Returns:
        Files per second and CPU milliseconds per file of the first pass and of the next one, seconds until everything is
        serialized, and memory.
    """
    dags = 2 * pipelines
    house.change("TRUNCATE dag, serialized_dag, dag_version CASCADE")
    settings = {**EAGER, "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": str(processes)}
    began = str(house.rows("SELECT now()")[0][0])
    started = time.monotonic()
    child = house.start("dag-processor", ["airflow", "dag-processor"], settings)
    wait_until(lambda: house.number(PARSED.format(began)) > 0, START_SECONDS, every=0.1)
    first, before = time.monotonic(), used_by(child.process.pid, memory=False)
    wait_until(lambda: house.number(PARSED.format(began)) >= dags, READ_SECONDS)
    read, after = time.monotonic(), used_by(child.process.pid)
    per_file = 1000 / max(1, pipelines - 1)
    line = {
        "all_serialized_s": read - started,
        "files_per_s": (pipelines - 1) / max(read - first, 0.001),
        "cpu_ms_per_file": (after.cpu_s - before.cpu_s) * per_file,
        "memory_mb": after.memory_mb,
    }
    again = str(house.rows("SELECT now()")[0][0])
    last = min(AGAIN_SECONDS, 10 * (read - first) + 2)
    _until_all_again(house, again, dags, last)
    seen, used = house.number(PARSED.format(again)) / 2, used_by(child.process.pid, memory=False)
    house.end(child)
    if seen:
        line["again_cpu_ms"] = (used.cpu_s - after.cpu_s) * 1000 / seen
    return line


def _until_all_again(house: House, since: str, dags: int, seconds: float) -> None:
    try:
        wait_until(lambda: house.number(PARSED.format(since)) >= dags, seconds)
    except TimeoutError:
        return


def serialized(house: House) -> Iterator[float]:
    """Give how many DAGs are stored, the mean bytes of one, and the megabytes of the table."""
    yield house.number("SELECT count(DISTINCT dag_id) FROM serialized_dag")
    yield house.number("SELECT avg(length(data::text)) FROM serialized_dag")
    yield house.number("SELECT pg_total_relation_size('serialized_dag')") / 1e6
