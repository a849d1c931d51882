"""Airflow's own processes, on a Postgres that waits for its disk, for a repository with many pipelines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from nightshift.drill.servers import DatabaseServer
from nightshift.drill.servers.guarded import free_port
from nightshift.embedded.environment import airflow_environment, process_environment
from nightshift.embedded.keys import load_or_make_keys
from nightshift.embedded.layout import Layout
from nightshift.embedded.processes import Child, kill_members, last_lines, spawn
from nightshift.embedded.tree import SETTINGS_MODULE
from pipelines.engine.settings import REPOSITORY

END_SECONDS = 15.0
LIKE_PRODUCTION = {
    # Airflow's own values, where the embedded Airflow is set to be quicker than that.
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "300",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "30",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
}


class House:
    """One Airflow for one repository.

    Args:
        server: Postgres; it gets a database for Airflow and one for the ledger.
        folder: The repository; the home is made in it.
        template: A database with Airflow's tables, to be copied; without one, `migrate` makes them.
    """

    def __init__(self, server: DatabaseServer, folder: Path, *, template: str = "template0") -> None:
        self.layout = Layout(folder / "home", folder)
        self._server = server
        self.database, self.ledger_database = server.create(template), server.create()
        self.ledger_url = server.url(self.ledger_database)
        self._children: list[Child] = []
        self.layout.airflow_home.mkdir(parents=True)
        self.layout.settings_module.parent.mkdir(parents=True)
        self.layout.settings_module.write_text(SETTINGS_MODULE)
        url = server.url(self.database).replace("postgresql://", "postgresql+psycopg2://")
        ours = {
            **LIKE_PRODUCTION,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "NIGHTSHIFT_LEDGER_URL": self.ledger_url,
        }
        keys = load_or_make_keys(self.layout.secrets)
        settings = airflow_environment(self.layout, port=free_port(), keys=keys, extra=ours)
        base = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NIGHTSHIFT_HOME")}
        self.environment = process_environment(base, settings, package_root=str(folder / "plugins")) | {
            "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "plugins"), str(REPOSITORY)])
        }

    def __enter__(self) -> Self:
        from pipelines.engine.ledger.migrate import migrate

        migrate(self.ledger_url)
        return self

    def __exit__(self, *_: object) -> None:
        self.end_all()
        for database in (self.database, self.ledger_database):
            self._server.drop(database)

    def migrate(self) -> None:
        """Make the tables of Airflow and of the ledger."""
        from pipelines.engine.ledger.migrate import migrate

        migrate(self.ledger_url)
        self.run("migrate", ["airflow", "db", "migrate"])

    def run(
        self, role: str, words: Sequence[str], extra: Mapping[str, str] | None = None, seconds: float = 900
    ) -> float:
        """Run a program to its end, and return the CPU seconds of it and of all that it waited for.

        Raises:
            RuntimeError: It failed; with the end of what it said.
        """
        child = self.start(role, words, extra)
        before = os.times()
        if not child.wait(seconds) or child.process.returncode:
            said = "\n".join(last_lines(child.log, 15))
            raise RuntimeError(f"{' '.join(words)} ended with {child.process.returncode}:\n{said}")
        self._children.remove(child)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    def start(self, role: str, words: Sequence[str], extra: Mapping[str, str] | None = None) -> Child:
        """Start a program that stays."""
        child = spawn(role, words, {**self.environment, **(extra or {})}, self.layout.role_log(role))
        self._children.append(child)
        return child

    def end(self, child: Child) -> None:
        """End a program that stays, with all that it started."""
        child.terminate()
        child.wait(END_SECONDS)
        kill_members([child.process.pid], "")
        child.wait(END_SECONDS)
        self._children.remove(child)

    def end_all(self) -> None:
        """End whatever was started."""
        for child in list(self._children):
            self.end(child)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask Airflow's database."""
        with self._cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def number(self, statement: str) -> float:
        """Ask Airflow's database for one number; 0 for none."""
        return float(self.rows(statement)[0][0] or 0)

    def change(self, statement: str) -> None:
        """Change something in Airflow's database."""
        with self._cursor() as cursor:
            cursor.execute(statement)

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        connection = self._server.connect(self.database)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


@contextmanager
def airflow_tables(server: DatabaseServer, folder: Path) -> Iterator[str]:
    """Make a database with Airflow's tables once, to be copied for each house; give its name.

    Args:
        server: Postgres.
        folder: Of a repository; its home is thrown away.
    """
    with House(server, folder) as house:
        house.migrate()
        yield house.database
