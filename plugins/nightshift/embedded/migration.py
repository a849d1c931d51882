"""Bringing Airflow's database to its schema, and knowing cheaply when that is already so."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from importlib.metadata import version
from typing import TYPE_CHECKING

from nightshift.embedded.errors import StartFailed
from nightshift.embedded.failure import died
from nightshift.embedded.processes import spawn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightshift.embedded.layout import Layout

TIMEOUT_SECONDS = 300.0


def is_migrated(layout: Layout) -> bool:
    """Whether this very Airflow brought the database to the revision that it still has.

    A no-op `airflow db migrate` costs as much as a real one, five to ten seconds; this costs a millisecond.
    """
    try:
        stamp = json.loads(layout.migrated.read_text())
    except (OSError, ValueError):
        return False
    return bool(stamp == _stamp(layout))


def migrate(layout: Layout, environment: Mapping[str, str]) -> None:
    """Run `airflow db migrate` and remember that it succeeded.

    Raises:
        StartFailed: it failed; the message holds the last lines of its log.
    """
    log = layout.role_log("migrate")
    child = spawn("migrate", ["airflow", "db", "migrate"], environment, log)
    try:
        done = child.wait(TIMEOUT_SECONDS)
    finally:
        if not child.ended:
            child.process.kill()
            child.process.wait()
    if not done or child.process.returncode != 0:
        raise StartFailed(died("database migration", child.process.returncode, log))
    layout.migrated.write_text(json.dumps(_stamp(layout)))


def _stamp(layout: Layout) -> dict[str, str | None]:
    return {"airflow": version("apache-airflow-core"), "revision": _revision(layout)}


def _revision(layout: Layout) -> str | None:
    """The schema revision that the database says it has; None if there is none."""
    if not layout.database.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{layout.database}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return row[0] if row else None
