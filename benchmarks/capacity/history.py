"""What do years of nights cost: on the disk, the watch in each turn, the command line, and whoever claims a key?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.capacity.claims import PROCESSES
from benchmarks.capacity.counting import timed, used_by
from benchmarks.capacity.scale import Scale
from benchmarks.capacity.years import write_years
from benchmarks.claimers import claimers
from benchmarks.results import Found
from nightshift.drill.servers import DatabaseServer

TURNS = 5
CLAIMS = 1500
TABLES = ("task_keys", "task_events", "task_runs", "dag_runs", "outcomes")
PROGRAM = """
import json, logging, sys, time
from benchmarks.capacity.history import turns
logging.disable(logging.CRITICAL)
print(json.dumps(turns(int(sys.argv[1]))))
"""


def measure(folder: Path, scale: Scale) -> dict[str, Found]:
    """Write histories of several sizes into ledgers on PostgreSQL, and look at each.

    Raises:
        RuntimeError: A program failed.
    """
    sizes: dict[str, dict[str, float]] = {}
    looks: dict[str, dict[str, float]] = {}
    folder.mkdir(parents=True)
    with DatabaseServer(durable=True) as server:
        for pipelines, nights in scale.histories:
            database = server.create()
            newest = write_years(server, database, pipelines=pipelines, nights=nights)
            name = f"{pipelines:,} pipelines, {nights} nights each"
            sizes[name] = _sizes(server, database, pipelines * nights)
            looks[name] = _looks(folder / f"home-{pipelines}", server.url(database), newest)
            server.drop(database)
    return {
        "ledger": Found(
            "The ledger on the disk",
            sizes,
            [],
            [
                "PostgreSQL, tables and indexes, just written and vacuumed; a night has five keys and one shard",
                "keys are kept for good, events older than the retention may be tidied away",
            ],
        ),
        "looking": Found(
            "Looking at all of it",
            looks,
            [],
            [
                f"first turn: of a watch that has just been started; turn: median of {TURNS - 1} later ones, nothing having changed",
                "after a night of all: when one more key of each pipeline was finished since the last turn",
                "status and house: `nightshift status` in a process of its own, and the same read in one that is warm",
                f"claims: {PROCESSES} processes claim new keys in that ledger",
            ],
        ),
    }


def _sizes(server: DatabaseServer, database: str, nights: int) -> dict[str, float]:
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            line = {"total_mb": cursor.fetchone()[0] / 1e6}
            for table in TABLES:
                cursor.execute("SELECT pg_total_relation_size(%s)", (table,))
                line[f"{table}_mb"] = cursor.fetchone()[0] / 1e6
    finally:
        connection.close()
    return {**line, "kb_per_night": sum(line[f"{table}_mb"] for table in TABLES) * 1000 / nights}


def _looks(home: Path, url: str, newest: str) -> dict[str, float]:
    environment = {**os.environ, "NIGHTSHIFT_HOME": str(home), "NIGHTSHIFT_LEDGER_URL": url}
    line: dict[str, float] = json.loads(_run([sys.executable, "-W", "ignore", "-c", PROGRAM, str(TURNS)], environment))
    began = time.perf_counter()
    _run([sys.executable, "-W", "ignore", "-c", "from nightshift.cli import main; main()", "status"], environment)
    line["status_s"] = time.perf_counter() - began
    with claimers(url, PROCESSES) as ask:
        line["claims_per_s"] = ask(f"after {newest}", CLAIMS, False).per_s
    return line


def _run(command: list[str], environment: dict[str, str]) -> str:
    environment = {**environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    if done.returncode:
        raise RuntimeError(f"{command[-1]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def turns(number: int) -> dict[str, float]:
    """Let a watch look several times, in this process; tables are believed to show what the ledger says.

    Returns:
        Seconds and CPU seconds of the first turn, of a usual one, and of one after something happened to each pipeline; of the
        house's overview; and the memory of this process.
    """
    import statistics

    from nightshift.watch import turn as turning
    from nightshift.watch.metrics import Metrics
    from pipelines.engine.settings import read_settings
    from pipelines.engine.views.house import House

    settings = read_settings()
    turning.Tables = _BelievedTables  # type: ignore[misc, assignment]
    watch = turning.Watch(settings, metrics=Metrics())
    took = [_timed(watch.turn) for _ in range(number)]
    line = {"first_turn_s": took[0][0], "first_turn_cpu_s": took[0][1]}
    line |= {
        "turn_s": statistics.median(wall for wall, _ in took[1:]),
        "turn_cpu_s": statistics.median(cpu for _, cpu in took[1:]),
    }
    _touch_each(settings.ledger_url)
    line["turn_after_all_s"], line["turn_after_all_cpu_s"] = _timed(watch.turn)
    line["watch_mb"] = used_by(os.getpid()).memory_mb
    house = House(settings)
    house.strips(last=14)
    line["house_s"], _ = _timed(lambda: house.strips(last=14))
    return line


class _BelievedTables:
    def __init__(self, settings: Any) -> None:
        pass

    def shown(self, pipeline: str, nights: list[str]) -> str:
        """Return the newest."""
        return nights[0]


def _touch_each(url: str) -> None:
    """Let one more key be finished for each pipeline that is declared."""
    from pipelines.engine.keys import TaskKey
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.ledger.store import Ledger

    ledger = Ledger(url)
    for seen in Observations(url).declarations():
        key = TaskKey(pipeline=seen.content["pipeline"], step="plan", partition="2099-01-01", inputs={})
        ledger.finish(ledger.claim(key, holder="benchmark"), {"rows_in": 1, "shards": 1})  # type: ignore[arg-type]


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    with timed() as found:
        work()
    return found[0], found[1]
