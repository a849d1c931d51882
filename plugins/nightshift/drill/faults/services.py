"""A ledger database that goes away, a disk that is full, an object store that fails."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from nightshift.drill import jobs
from nightshift.drill.aim import Aim
from nightshift.drill.faults.base import NIGHT, Drill, Fault
from nightshift.drill.sandbox import BUCKET, TABLES_URL
from nightshift.drill.scenes import scene_of

if TYPE_CHECKING:
    from nightshift.drill.servers.http_proxy import HttpProxy

DOWN_SECONDS = 3.0


def _ledger_restart(drill: Drill) -> str:
    """Take the database away while a process holds a key, renews it, and wants to finish."""
    paused = Aim("wrote the shard", "wait")
    worker = drill.attempt(paused)
    worker.until(paused)
    drill.broken()
    how = _restart(drill, worker.let_go)
    outcome = worker.wait()
    drill.expect(outcome.worked, f"the attempt did not outlive the restart: {outcome}")
    drill.recovered()
    drill.expect(drill.publications() == 1, "the night was committed more than once")
    return f"{how}; the attempt waited, and finished once"


def _restart(drill: Drill, meanwhile: object) -> str:
    database = drill.sandbox.database
    timer = threading.Timer(DOWN_SECONDS / 3, meanwhile)  # type: ignore[arg-type]
    timer.start()
    try:
        if database:
            database.restart("immediate", down_seconds=DOWN_SECONDS)
            return f"Postgres crashed, and came back after {DOWN_SECONDS:.0f} s"
        with closing(sqlite3.connect(drill.sandbox.home / "ledger.db", isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(DOWN_SECONDS)
            connection.execute("ROLLBACK")
        return f"the SQLite file was locked for {DOWN_SECONDS:.0f} s"
    finally:
        timer.join()


def _disk_full(drill: Drill) -> str:
    before = drill.commits()
    outcome = drill.sandbox.run(jobs.score_night_on_a_full_disk, NIGHT)
    drill.broken()
    drill.expect(outcome.error == "StorageFull", f"expected StorageFull, got: {outcome}")
    drill.expect(outcome.retryable, "it would not be tried again")
    drill.expect(drill.commits() == before, "something was published")
    drill.recover()
    return f"StorageFull; version {before[-1].version} stayed, and with room again it was published"


@contextmanager
def _store(drill: Drill) -> Iterator[HttpProxy]:
    """Let the table lie on S3, behind a proxy that fails requests on demand."""
    from nightshift.drill.servers.http_proxy import HttpProxy

    sandbox = drill.sandbox
    with HttpProxy(sandbox.store.address) as proxy:
        sandbox.store.create_bucket(BUCKET)
        if not sandbox.tables_url.startswith("s3://"):
            drill.nights = [NIGHT]  # the others are published elsewhere
        sandbox.changes |= {"NIGHTSHIFT_TABLES": TABLES_URL, "AIRFLOW_CONN_AWS_DEFAULT": sandbox.connection(proxy.url)}
        drill.scene = scene_of(sandbox)
        yield proxy


SHARD = r"predictions/night(=|%3D)2013-11-02"
LOG = r"predictions/_delta_log/0{19}\d\.json"


def _store_fails(kind: str, times: int, drill: Drill) -> str:
    """Fail uploads of the shard and the commit a few times each, so that the libraries' own retries are enough."""
    from nightshift.drill.servers import Fault as Broken

    with _store(drill) as proxy:
        for path in (SHARD, LOG):
            proxy.inject(Broken(kind, method="PUT", path=path, times=times))  # type: ignore[arg-type]
        drill.broken()
        drill.recover()
        happened = [exchange for exchange in proxy.exchanges if exchange.fault]
        conditional = [one for one in proxy.asked("PUT", LOG) if one.headers.get("if-none-match") == "*"]
        drill.expect(len(happened) >= 2, f"the fault happened {len(happened)} times only")
        drill.expect(len(conditional) == len(proxy.asked("PUT", LOG)), "a commit was sent without If-None-Match: *")
    drill.expect(drill.publications() == 1, "the night was committed more than once")
    return f"{len(happened)} requests failed so; one commit, each PUT of it with If-None-Match: *"


def _store_is_down(drill: Drill) -> str:
    """Fail everything until the attempt gives up; then let the retry through."""
    with _store(drill) as proxy:
        proxy.down()
        drill.broken()
        outcome = drill.sandbox.run(jobs.score_night, NIGHT)
        drill.expect(outcome.error == "StorageUnavailable", f"expected StorageUnavailable, got: {outcome}")
        drill.expect(outcome.retryable, "it would not be tried again")
        proxy.up()
        drill.recover()
    return "StorageUnavailable, retried; one publication"


FAULTS = (
    Fault(
        "ledger-restart",
        "the ledger's database goes away while a key is held, and comes back",
        "waited for, finished once",
        _ledger_restart,
    ),
    Fault(
        "disk-full",
        "no space is left where the shard is written",
        "a clear error, the old version stays",
        _disk_full,
    ),
    Fault(
        "s3-unavailable",
        "S3 answers 503 to uploads of the shard and of the commit",
        "retried, one commit",
        lambda drill: _store_fails("unavailable", 2, drill),
        needs=("s3",),
    ),
    Fault(
        "s3-cut",
        "the connection to S3 is cut during both uploads",
        "retried, one commit",
        lambda drill: _store_fails("cut", 2, drill),
        needs=("s3",),
    ),
    Fault(
        "s3-reply-lost",
        "S3 does both uploads, and its answers are lost",
        "found out by looking, one commit",
        lambda drill: _store_fails("reply_lost", 1, drill),
        needs=("s3",),
    ),
    Fault(
        "s3-slow",
        "S3 takes its time with both uploads",
        "waited for, one commit",
        lambda drill: _store_fails("slow", 1, drill),
        needs=("s3",),
    ),
    Fault(
        "s3-down",
        "S3 does not answer at all",
        "a retryable error, then one commit",
        _store_is_down,
        needs=("s3",),
    ),
)
