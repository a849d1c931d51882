"""A house of its own for each fault: data, ledger, models and table; the user's state is never touched.

It is made once, and copied back before each fault. The copy lies where the original lay, because MLflow keeps absolute
paths of its artifacts.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nightshift.drill import buckets
from nightshift.drill.aim import Aim
from nightshift.drill.errors import DrillFailed
from nightshift.drill.workers import Job, Outcome, Running, Task, Worker, end_fork_server, fork_server, forked, shifted

if TYPE_CHECKING:
    from nightshift.drill.airflow_house import Airflow
    from nightshift.drill.sabotage import Sabotage
    from nightshift.drill.servers.database import DatabaseServer
    from nightshift.drill.servers.object_store import ObjectStore

AS_OF = "2013-11-01"
PUBLISHED = "2013-11-01"
"""The night that is published before anything is broken."""
LEASE_SECONDS = 4
BUCKET = "drill"
TABLES_URL = f"s3://{BUCKET}/tables"
_OURS = ("NIGHTSHIFT_", "AIRFLOW", "_AIRFLOW", "AWS_", "GOOGLE_", "MLFLOW_")


class Sandbox:
    """A folder in which nights are broken.

    Args:
        root: An empty folder of this machine.
        database: A Postgres server for the ledger, or None for a SQLite file.
        store: An S3 server.
        tables: Whether the published table lies on this machine or on that server.
    """

    def __init__(
        self,
        root: Path,
        *,
        database: DatabaseServer | None = None,
        store: ObjectStore | None = None,
        tables: Literal["local", "s3"] = "local",
    ) -> None:
        self.root = root
        self.home = root / "home"
        self._database = database
        self._store = store
        self._remote = tables == "s3"
        self.changes: dict[str, str] = {}
        """Variables of the environment that a fault sets for its workers."""
        self.sabotage: tuple[Sabotage, ...] = ()
        """What is broken in the workers' own code."""
        self._ledger = self._kept_ledger = ""
        self._context = fork_server()
        self._workers: list[Worker] = []
        self._numbers = itertools.count(0)
        self._airflow: Airflow | None = None

    @property
    def tables_url(self) -> str:
        """Where the tables lie, as the settings say it."""
        return self.changes.get("NIGHTSHIFT_TABLES") or (TABLES_URL if self._remote else str(self.home / "tables"))

    @property
    def ledger_url(self) -> str:
        """The ledger, as the settings say it; past any proxy."""
        return self._database.url(self._ledger) if self._database else f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def store(self) -> ObjectStore:
        """The S3 server.

        Raises:
            DrillFailed: This sandbox has none.
        """
        if self._store is None:
            raise DrillFailed("this sandbox has no object store")
        return self._store

    @property
    def database(self) -> DatabaseServer | None:
        """The Postgres server that keeps the ledger, or None if it is a file."""
        return self._database

    @property
    def airflow(self) -> Airflow:
        """The sandbox's Airflow; it is started when it is first asked for, and whenever it was ended since.

        Raises:
            DrillFailed: It does not start.
        """
        if self._airflow is None:
            from nightshift.drill.airflow_house import Airflow

            self._airflow = Airflow(self)
        self._airflow.start()
        return self._airflow

    def rows_file(self, night: str) -> Path:
        """Where the rows of a night are delivered."""
        return self.home / "data" / "flights" / "rows" / f"{night}.parquet"

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a worker."""
        from nightshift.embedded.environment import QUIET

        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        ours = {
            "NIGHTSHIFT_HOME": str(self.home),
            "NIGHTSHIFT_TABLES": self.tables_url,
            "NIGHTSHIFT_LEDGER_URL": self.ledger_url,
            "NIGHTSHIFT_LEASE_SECONDS": str(LEASE_SECONDS),
            "AIRFLOW_HOME": str(self.root / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        }
        connection = {"AIRFLOW_CONN_AWS_DEFAULT": self.connection()} if self._store else {}
        return {**kept, **QUIET, **ours, **connection, **self.changes}

    def connection(self, url: str | None = None) -> str:
        """Return the Airflow connection to the S3 server, or to a proxy before it, as the environment holds it."""
        told = self.store.environment(url)
        return json.dumps(
            {
                "conn_type": "aws",
                "login": told["AWS_ACCESS_KEY_ID"],
                "password": told["AWS_SECRET_ACCESS_KEY"],
                "extra": {"region_name": told["AWS_REGION"], "endpoint_url": told["AWS_ENDPOINT_URL"]},
            }
        )

    def start(self, job: Job, *arguments: object, aims: Sequence[Aim] = ()) -> Worker:
        """Start a worker on a job."""
        worker = self.employ(job, *arguments, aims=aims)
        self._workers.append(worker)
        return worker

    def start_shifted(self, shift: str, job: Job, *arguments: object, aims: Sequence[Aim] = ()) -> Worker:
        """Start a worker whose clock is wrong, by `+2h` for example: all of its clocks, of Python and of any library."""
        worker = self._begin(lambda task: shifted(shift, task), job, arguments, aims)
        self._workers.append(worker)
        return worker

    def employ(self, job: Job, *arguments: object, aims: Sequence[Aim] = ()) -> Worker:
        """Start a worker that whoever asks for it ends; `reset` and `close` do not."""
        return self._begin(lambda task: forked(self._context, task), job, arguments, aims)

    def _begin(
        self, begin: Callable[[Task], Running], job: Job, arguments: tuple[object, ...], aims: Sequence[Aim]
    ) -> Worker:
        folder = self.root / "workers" / str(next(self._numbers))
        return Worker(begin, Task(job, arguments, self.environment, tuple(aims), folder, self.sabotage))

    def run(self, job: Job, *arguments: object) -> Outcome:
        """Let a worker do a job, and wait for it."""
        return self.start(job, *arguments).wait()

    def prepare(self) -> None:
        """Make the house, and remember how it looks.

        Raises:
            DrillFailed: That does not work even while nothing is broken.
        """
        from nightshift.drill import jobs

        if self._database:
            self._ledger = self._database.create()
        if self._remote:
            self.store.create_bucket(BUCKET)
        done = self.run(jobs.prepare, AS_OF, PUBLISHED)
        if not done.worked:
            raise DrillFailed(f"the sandbox could not be made: {done}\n{done.log[-3000:]}")
        self.home.rename(self._kept)
        if self._database:
            self._kept_ledger = self._ledger
        if self._remote:
            buckets.download(self.store.environment(), BUCKET, self._kept_objects)

    def reset(self) -> None:
        """Make everything as it was before anything was broken; Airflow goes on, and remembers what it ran."""
        for worker in self._workers:
            worker.end()
        if self._airflow:
            self._airflow.settle()
        self.changes.clear()
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self._kept, self.home, copy_function=_copy)
        if self._database:
            if self._ledger != self._kept_ledger:
                self._database.drop(self._ledger)
                self._database.create(self._kept_ledger, self._ledger)  # under its name, which Airflow knows it by
            else:
                self._ledger = self._database.create(self._kept_ledger)
        if self._store:
            buckets.empty(self._store.environment(), BUCKET)
        if self._remote:
            buckets.upload(self.store.environment(), self._kept_objects, BUCKET)

    def close(self) -> None:
        """End all workers, what they are forked from, and Airflow."""
        for worker in self._workers:
            worker.end()
        if self._airflow:
            self._airflow.end()
        end_fork_server()

    @property
    def _kept(self) -> Path:
        return self.root / "kept"

    @property
    def _kept_objects(self) -> Path:
        return self.root / "kept-objects"


def _copy(source: str, target: str) -> str:
    """Link what is never written in place, and copy databases."""
    if source.endswith((".parquet", ".csv", ".json", ".html", ".png", ".txt")):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)
