"""What does the ledger cost a step, and how many claims can it give? `python -m benchmarks.ledger`."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.claimers import claimers, key_of
from benchmarks.results import Found, Target, print_found

STEPS = 100
"""Claims, each with its finish, per round and database."""
PROCESSES = 8
CLAIMS = 3000
"""Keys that all processes ask for at once, per round."""
SQLITE_MS, POSTGRES_MS, PER_SECOND = 5.0, 3.0, 1000.0


def study(folder: Path, rounds: int) -> Found:
    """Measure claim and finish on SQLite and PostgreSQL in turn, then claims of eight processes on PostgreSQL.

    Args:
        folder: For the SQLite file; PostgreSQL keeps its own on the same disk as temporary files.
        rounds: Each of `STEPS` steps and `CLAIMS` claims.

    Raises:
        RuntimeError: A key was won by nobody, or by more than one process.
    """
    from nightshift.drill.servers import DatabaseServer
    from pipelines.engine.ledger.migrate import migrate

    with DatabaseServer(durable=True) as server:
        urls = {"SQLite": f"sqlite:///{folder / 'ledger.db'}", "PostgreSQL": server.url(server.create())}
        times: dict[str, list[float]] = {name: [] for name in urls}
        for url in urls.values():
            migrate(url)
            _steps(url, "warm up", 10)
        for number in range(rounds):
            for name, url in urls.items():
                times[name] += _steps(url, str(number), STEPS)
        with claimers(urls["PostgreSQL"], PROCESSES) as ask:
            rates = [ask(f"claims {number}", CLAIMS, False).per_s for number in range(rounds)]
    medians = {name: statistics.median(found) for name, found in times.items()}
    rows = {f"claim + finish, {name}": {"ms": median} for name, median in medians.items()}
    rows[f"claims of {PROCESSES} processes, PostgreSQL"] = {"per_s": statistics.median(rates), "best": max(rates)}
    return Found(
        "The ledger",
        rows,
        [
            Target("ledger claim + finish, SQLite: median ms", SQLITE_MS, medians["SQLite"]),
            Target("ledger claim + finish, Postgres: median ms", POSTGRES_MS, medians["PostgreSQL"]),
            Target(
                f"claims per second on Postgres, {PROCESSES} processes",
                PER_SECOND,
                statistics.median(rates),
                at_least=True,
            ),
        ],
        [
            f"median of {rounds} rounds of {STEPS} steps; every commit is on the disk before it is answered (fsync on)",
            f"server and its {PROCESSES} clients share the machine's cores; each key was won by exactly one of them",
        ],
    )


def _steps(url: str, round_name: str, count: int) -> list[float]:
    from pipelines.engine.ledger.store import Ledger

    ledger = Ledger(url)
    found = []
    for number in range(count):
        key = key_of(round_name, number)
        began = time.perf_counter()
        claim: Any = ledger.claim(key, holder="benchmark")
        ledger.finish(claim, {"rows_in": 30_000, "histogram": list(range(20))})
        found.append((time.perf_counter() - began) * 1000)
    return found


if __name__ == "__main__":
    print_found(study, rounds=5)
