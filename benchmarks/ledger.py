"""What does the ledger cost a step, and how many claims can it give? `python -m benchmarks.ledger`."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
        with _claimers(urls["PostgreSQL"]) as ask:
            rates = [ask(number) for number in range(rounds)]
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


def _key(round_name: str, number: int) -> Any:
    from pipelines.engine.keys import TaskKey

    rows = [["0" * 64, [0, 1, 2]]]
    return TaskKey(pipeline="flights", step="score", partition=f"{round_name}#{number}", inputs={"rows": rows})


def _steps(url: str, round_name: str, count: int) -> list[float]:
    from pipelines.engine.ledger.store import Ledger

    ledger = Ledger(url)
    found = []
    for number in range(count):
        key = _key(round_name, number)
        began = time.perf_counter()
        claim: Any = ledger.claim(key, holder="benchmark")
        ledger.finish(claim, {"rows_in": 30_000, "histogram": list(range(20))})
        found.append((time.perf_counter() - began) * 1000)
    return found


@contextmanager
def _claimers(url: str) -> Iterator[Any]:
    """Give a function that lets all processes ask for the same new keys, and returns claims given per second."""
    spawn = multiprocessing.get_context("spawn")
    orders, answers = [spawn.Queue() for _ in range(PROCESSES)], spawn.Queue()
    processes = [
        spawn.Process(target=_claim_all, args=(url, number, orders[number], answers), daemon=True)
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()

    def ask(round_number: int) -> float:
        start = time.time() + 0.2
        for each in orders:
            each.put((round_number, start))
        given = [answers.get(timeout=120) for _ in processes]
        won = [number for numbers, _ in given for number in numbers]
        if sorted(won) != list(range(CLAIMS)):
            raise RuntimeError(f"{CLAIMS} keys were won {len(won)} times; expected each once")
        return CLAIMS / (max(ended for _, ended in given) - start)

    try:
        for _ in processes:
            answers.get(timeout=120)  # it has imported what it needs
        yield ask
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _claim_all(url: str, process: int, orders: Any, answers: Any) -> None:
    """Ask for a share of the keys, and for a tenth of the next process's: those have two who want them."""
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.ledger.values import Claimed

    ledger = Ledger(url)
    ledger.claim(_key("warm up", -1 - process), holder=f"benchmark-{process}")
    answers.put(None)
    share = CLAIMS // PROCESSES
    while True:
        round_number, start = orders.get()
        first, end = process * share, CLAIMS if process == PROCESSES - 1 else (process + 1) * share
        wanted = [*range(first, end), *(number % CLAIMS for number in range(end, end + share // 10))]
        keys = [_key(f"claims {round_number}", number) for number in wanted]
        time.sleep(max(0.0, start - time.time()))
        won = [
            number
            for number, key in zip(wanted, keys, strict=True)
            if isinstance(ledger.claim(key, holder=f"benchmark-{process}"), Claimed)
        ]
        answers.put((won, time.time()))


if __name__ == "__main__":
    print_found(study, rounds=5)
