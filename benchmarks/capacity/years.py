"""Years of nights of many pipelines in a ledger on Postgres: some are written row by row, the others are copies with other names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.histories import fill
from nightshift.drill.servers import DatabaseServer

WRITTEN = 5
"""Pipelines that are written; each has other nights that were late or failed only in name, so more would not differ."""
COPIES = (
    """INSERT INTO task_keys SELECT {digest}, {name}, step, partition, replace(identity::text, old, new)::json,
       {digest}, payload, state, fence, generation, holder, taken_from, claimed_at, lease_until, finished_at, result, error
       FROM task_keys, copies WHERE pipeline = old ORDER BY claimed_at""",
    """INSERT INTO task_events (key, at, event, fence, generation, holder, detail)
       SELECT {digest}, at, event, e.fence, e.generation, e.holder, detail
       FROM task_events e JOIN task_keys k USING (key), copies WHERE pipeline = old ORDER BY at""",
    """INSERT INTO dag_runs SELECT {dag}, run_id, partition_key, run_after, kind, state, started_at, ended_at, told_at
       FROM dag_runs, copies WHERE {mine} ORDER BY told_at""",
    """INSERT INTO task_runs SELECT {dag}, run_id, task_id, map_index, state, try_number, started_at, ended_at, told_at
       FROM task_runs, copies WHERE {mine} ORDER BY told_at""",
    """INSERT INTO outcomes SELECT replace(promise_id, old, new), night, {dag}, outcome, due_at, finished_at
       FROM outcomes, copies WHERE {mine} ORDER BY due_at""",
    """INSERT INTO declarations SELECT {dag}, replace(content::text, old, new)::json, replace(since::text, old, new)::json,
       read_at, gone_at FROM declarations, copies WHERE {mine}""",
    """INSERT INTO incidents SELECT left(encode(sha256((id || new)::bytea), 'hex'), 32), replace(promise_id, old, new), {dag},
       night, owner, state, alert, severity, version, opened_at, changed_at, told_at, due_at, resolved_at, acknowledged_at,
       acknowledged_by, escalated_at, replace(verdict::text, old, new)::json FROM incidents, copies WHERE {mine}""",
)
WORDS = {
    "digest": "encode(sha256((key || new)::bytea), 'hex')",
    "name": "new",
    "dag": "replace(dag_id, old, new)",
    "mine": "starts_with(dag_id, old || '_')",
}


def write_years(server: DatabaseServer, database: str, *, pipelines: int, nights: int) -> str:
    """Write nights up to yesterday's into an empty ledger.

    Args:
        server: Postgres.
        database: Empty.
        pipelines: `pipeline_000` and so on; a multiple of `WRITTEN` is best.
        nights: Of each.

    Returns:
        The newest night.
    """
    last = datetime.now(UTC).date() - timedelta(days=1)
    names = fill(
        server.url(database), pipelines=min(pipelines, WRITTEN), nights=nights, first=last - timedelta(days=nights - 1)
    )
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE copies (old text, new text)")
            more = [(names[number % WRITTEN], f"pipeline_{number:03}") for number in range(len(names), pipelines)]
            _insert(cursor, more)
            for statement in COPIES if more else ():
                cursor.execute(statement.format(**WORDS))
            cursor.execute("VACUUM ANALYZE")
    finally:
        connection.close()
    return last.isoformat()


def _insert(cursor: Any, rows: list[tuple[str, str]]) -> None:
    for row in rows:
        cursor.execute("INSERT INTO copies VALUES (%s, %s)", row)
