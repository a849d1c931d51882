"""What MLflow's tables hold, by SQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

DOUBLED = """
    SELECT name, value, count(*) FROM model_version_tags WHERE key = 'nightshift.key' GROUP BY name, value HAVING count(*) > 1
"""
CHAMPIONS = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = 'champion'"
VERSIONS = "SELECT count(*) FROM model_versions WHERE name = ?"

Database = Path | str
"""A file of SQLite, or the URL of a database of Postgres."""


def doubled_versions(database: Database) -> list[str]:
    """Return the keys under which a model was registered more than once."""
    return [str(value) for _, value, _ in _rows(database, DOUBLED)]


def champions(database: Database, model: str) -> list[str]:
    """Return the versions that are champion: one, or none before the first."""
    return [str(row[0]) for row in _rows(database, CHAMPIONS, model)]


def versions(database: Database, model: str) -> int:
    """Return how many versions of a model are registered."""
    return int(str(_rows(database, VERSIONS, model)[0][0]))


def _rows(database: Database, query: str, *values: str) -> list[tuple[object, ...]]:
    if isinstance(database, str):
        return _rows_of_postgres(database, query.replace("?", "%s"), values)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchall()


def _rows_of_postgres(url: str, query: str, values: tuple[str, ...]) -> list[tuple[object, ...]]:
    import psycopg2

    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return list(cursor.fetchall())
