"""How many keys do eight processes claim and finish in a second, and what do they wait for?"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.capacity.pooler import find_pooler, pooler
from benchmarks.capacity.scale import Scale
from benchmarks.claimers import Round, claimers
from benchmarks.results import Found
from nightshift.drill.servers import DatabaseServer

PROCESSES = 8
CONNECTIONS = 4
"""Of the pooler, for eight clients."""
EVERY_SECONDS = 0.02
FEWER_ON_SQLITE = 5
WAITS = """SELECT count(*), count(*) FILTER (WHERE wait_event_type = 'Lock'), count(*) FILTER (WHERE wait_event_type = 'LWLock'),
           count(*) FILTER (WHERE wait_event_type = 'IO'), count(*) FILTER (WHERE state <> 'idle')
           FROM pg_stat_activity WHERE datname = '{}'"""


class Looking:
    """Looks at a server's connections, many times a second, and keeps what it saw."""

    def __init__(self, server: DatabaseServer, database: str) -> None:
        self._server, self._database = server, database
        self._stop = threading.Event()
        self.seen: list[tuple[int, ...]] = []

    @contextmanager
    def now(self) -> Iterator[None]:
        """Look while the block runs."""
        thread = threading.Thread(target=self._look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _look(self) -> None:
        connection = self._server.connect()
        try:
            with connection.cursor() as cursor:
                while not self._stop.wait(EVERY_SECONDS):
                    cursor.execute(WAITS.format(self._database))
                    self.seen.append(tuple(cursor.fetchone()))
        finally:
            connection.close()

    def line(self) -> dict[str, float]:
        """Return the most connections at once, and how many of those that are busy wait for what, in hundredths."""
        busy = sum(looked[4] for looked in self.seen) or 1
        return {
            "connections": max((looked[0] for looked in self.seen), default=0),
            "lock_waits_percent": 100 * sum(looked[1] for looked in self.seen) / busy,
            "wal_waits_percent": 100 * sum(looked[2] + looked[3] for looked in self.seen) / busy,
        }


def measure(folder: Path, scale: Scale) -> dict[str, Found]:
    """Claim and finish keys on PostgreSQL, through PgBouncer, and fewer of them on SQLite.

    Raises:
        RuntimeError: A key was won by nobody, or by more than one process.
    """
    from pipelines.engine.ledger.migrate import migrate

    rows: dict[str, dict[str, float]] = {}
    folder.mkdir(parents=True)
    folder.parent.chmod(0o755)
    with DatabaseServer(durable=True) as server:
        database = server.create()
        migrate(server.url(database))
        rows["PostgreSQL"] = _claim(server, database, server.url(database), scale.keys)
        if find_pooler():
            with pooler(server, folder / "pooler", CONNECTIONS) as port:
                url = server.url(database, port=port)
                rows[f"PostgreSQL behind PgBouncer, {CONNECTIONS} connections"] = _claim(
                    server, database, url, scale.keys, "b"
                )
    file = f"sqlite:///{folder / 'ledger.db'}"
    migrate(file)
    with claimers(file, PROCESSES) as ask:
        rows["SQLite"] = _line(ask("c", scale.keys // FEWER_ON_SQLITE, True))
    notes = [
        f"{scale.keys:,} keys (on SQLite {scale.keys // FEWER_ON_SQLITE:,}), each claimed and finished, and one in ten wanted by two",
        f"{PROCESSES} processes on the server's own cores; fsync on",
        "connections: of the server, at once; waits: in how many hundredths a busy one waited for another one's row, or for the disk",
    ]
    if not find_pooler():
        notes.append("PgBouncer is not installed here, so it was not measured")
    return {"claims": Found(f"{scale.keys:,} keys, claimed and finished by {PROCESSES} processes", rows, [], notes)}


def _claim(server: DatabaseServer, database: str, url: str, keys: int, name: str = "a") -> dict[str, float]:
    with claimers(url, PROCESSES) as ask:
        looking = Looking(server, database)
        with looking.now():
            done = ask(name, keys, True)
    return {**_line(done), **looking.line()}


def _line(done: Round) -> dict[str, float]:
    def part(values: list[float], hundredth: int) -> float:
        return statistics.quantiles(values, n=100)[hundredth - 1]

    return {
        "keys_per_s": done.per_s,
        "claim_p50_ms": part(done.claim_ms, 50),
        "claim_p99_ms": part(done.claim_ms, 99),
        "finish_p50_ms": part(done.finish_ms, 50),
        "finish_p99_ms": part(done.finish_ms, 99),
    }
