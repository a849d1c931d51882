"""What does Airflow's scheduler do all day with so many DAGs, and when all of them are due in the same minute?"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from benchmarks.capacity.counting import used_by, wait_until
from benchmarks.capacity.house import House
from nightshift.embedded.processes import Child

START_SECONDS = 120.0
TICK_SECONDS = 150.0
"""What takes longer is not waited for."""
TUNED = {
    "AIRFLOW__SCHEDULER__MAX_DAGRUNS_TO_CREATE_PER_LOOP": "100",
    "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": "100",
}
NOT_NOW = "UPDATE dag SET is_paused = false, next_dagrun_create_after = now() + interval '1 day'"
KEEP = "CREATE TABLE IF NOT EXISTS before_the_tick AS SELECT * FROM dag"
DUE = """UPDATE dag d SET next_dagrun = b.next_dagrun, next_dagrun_create_after = now()
         FROM before_the_tick b WHERE d.dag_id = b.dag_id AND d.dag_id LIKE '%_scoring'"""
CLEAR = "TRUNCATE dag_run CASCADE"
RUNS = "SELECT count(*) FROM dag_run"
READY = "SELECT count(*) FROM task_instance WHERE state = 'scheduled'"

SIZE = """SELECT sum(pg_total_relation_size(format('%I', t)::regclass))
          FROM unnest(array['dag_run', 'task_instance', 'deadline', 'callback']) t"""


def watch_scheduler(house: House, pipelines: int, idle_seconds: float, settings: Mapping[str, str]) -> dict[str, float]:
    """Let a scheduler run with nothing to do, and then with every scoring DAG due at once.

    Tasks stay `scheduled`: the pool has no slots, so that nothing is measured but the scheduler.

    Args:
        house: Its DAGs are serialized.
        pipelines: How many.
        idle_seconds: For how long it has nothing to do.
        settings: Of the scheduler.

    Returns:
        Seconds of a round and the share of a core while nothing is due, seconds until all runs are made and until the first
        task of each is ready, CPU milliseconds per run, and memory.
    """
    house.change(KEEP)
    house.change(CLEAR)
    house.change(NOT_NOW)
    house.change("UPDATE slot_pool SET slots = 0")
    child, rounds = _start(house, settings)
    before, at = used_by(child.process.pid, memory=False), time.time()
    time.sleep(idle_seconds)
    idle = used_by(child.process.pid)
    quiet = [seconds for begun, seconds, _ in _rounds(rounds) if begun > at]
    line = {
        "idle_round_ms": statistics.median(quiet) * 1000,
        "idle_cores": (idle.cpu_s - before.cpu_s) / (time.time() - at),
        "memory_mb": idle.memory_mb,
    }
    tick, used, at = time.monotonic(), used_by(child.process.pid, memory=False), time.time()
    house.change(DUE)
    line["runs_made_s"] = _within(lambda: house.number(RUNS) >= pipelines, tick)
    line["tasks_ready_s"] = _within(lambda: house.number(READY) >= pipelines, tick)
    made = max(1.0, house.number(READY))
    line["cpu_ms_per_run"] = (used_by(child.process.pid, memory=False).cpu_s - used.cpu_s) * 1000 / made
    line["kb_per_run"] = house.number(SIZE) / 1000 / made
    busy = [seconds for begun, seconds, _ in _rounds(rounds) if begun > at]
    line["longest_round_s"] = max(busy, default=0.0)
    house.end(child)
    return line


def _within(happened: Callable[[], bool], since: float) -> float:
    """Return after how many seconds something happened; `TICK_SECONDS` if it did not until then."""
    with suppress(TimeoutError):
        wait_until(happened, since + TICK_SECONDS - time.monotonic())
        return time.monotonic() - since
    return TICK_SECONDS


def _start(house: House, settings: Mapping[str, str]) -> tuple[Child, Path]:
    rounds = house.layout.home / "rounds.jsonl"
    rounds.unlink(missing_ok=True)
    child = house.start("scheduler", ["benchmarks.capacity.timed_scheduler", str(rounds)], settings)
    wait_until(lambda: len(_rounds(rounds)) > 1, START_SECONDS)
    return child, rounds


def _rounds(file: Path) -> list[tuple[float, float, float]]:
    lines = file.read_text().splitlines() if file.exists() else []
    return [tuple(json.loads(line)) for line in lines if line.endswith("]")]
