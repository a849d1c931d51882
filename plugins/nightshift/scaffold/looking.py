"""Looks at the data: every number is counted by DuckDB, so it may be larger than the memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from data_checks.files.literals import quoted
from nightshift.scaffold.values import Column, Seen, Wishes
from pipelines.engine.dealing import night_of
from pipelines.engine.errors import UsageError, nearest
from pipelines.engine.pipeline import CLASS_COLUMNS, PREDICTION_COLUMNS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FEW = 50
"""So many different values are looked at one by one."""
BINS = 50
SAMPLE = 200_000
"""So many rows, drawn by chance, are enough to see an echo of the label."""
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
BROKEN = ("FLOAT", "DOUBLE", "DECIMAL", "UBIGINT", "HUGEINT", "UHUGEINT")
TEXT = ("VARCHAR", "ENUM", "UUID")
TIME = ("DATE", "TIMESTAMP")


def kind_of(sql_type: str) -> str | None:
    """Return our word for a type of DuckDB, or None where we have none."""
    if sql_type.endswith("]"):
        return None
    for kind, names in (("int64", WHOLE), ("double", BROKEN), ("string", TEXT), ("timestamp", TIME)):
        if sql_type.startswith(names) and not (kind == "int64" and sql_type not in names):
            return kind
    return "bool" if sql_type == "BOOLEAN" else None


def columns_of(connection: DuckDBPyConnection) -> dict[str, str | None]:
    """Return the columns of the source with our words for their types."""
    return {name: kind_of(str(kind)) for name, kind, *_ in connection.sql("DESCRIBE FROM source").fetchall()}


def look(connection: DuckDBPyConnection, wishes: Wishes, unread: Mapping[str, str]) -> Seen:
    """Look at a source: its columns, its nights, and how much each column tells of the label.

    Args:
        connection: In which the data is a table called `source`.
        wishes: Which column is what.
        unread: By column that is there and is not in that table: why.

    Raises:
        UsageError: A column is not there, the ids name no row, or the partition holds no dates.
    """
    types = {name: str(kind) for name, kind, *_ in connection.sql("DESCRIBE FROM source").fetchall()}
    _there(wishes, types)
    [(rows,)] = connection.sql("SELECT count(*) FROM source").fetchall()
    if not rows:
        raise UsageError(f"{wishes.source} holds no row.")
    nights = _nights(connection, wishes)
    repeated = _names_rows(connection, wishes)
    columns = {name: _column(connection, name, kind) for name, kind in types.items()}
    label = columns[wishes.label]
    return Seen(
        rows=rows,
        columns=columns,
        nights=nights,
        repeated=repeated,
        labelled=label.known,
        spread=_spread(connection, label),
        tells=_tells(connection, label, [c for n, c in columns.items() if n not in (*wishes.ids, wishes.partition)]),
        unread=unread,
    )


def _there(wishes: Wishes, types: Mapping[str, str]) -> None:
    asked = [("--id", name) for name in wishes.ids] + [("--label", wishes.label), ("--partition", wishes.partition)]
    for option, name in asked:
        if name not in types:
            raise UsageError(f"{option} {name!r}: no such column.{nearest(name, types)} There are: {', '.join(types)}.")
        if name.startswith("__"):
            raise UsageError(f"{option} {name!r}: names that begin with __ are kept for our own. Rename the column.")
    for name in wishes.ids:
        if name in (*PREDICTION_COLUMNS, *CLASS_COLUMNS):
            raise UsageError(f"--id {name!r}: the predictions table has a column of this name itself. Rename it.")
    if wishes.label in (*wishes.ids, wishes.partition):
        raise UsageError(
            f"--label {wishes.label!r} names the row or its night, too. The label is what is not known yet."
        )


def _nights(connection: DuckDBPyConnection, wishes: Wishes) -> dict[str, int]:
    name = wishes.partition
    counted: dict[str | None, int] = dict(
        connection.sql(f"SELECT {night_of(name)}, count(*) FROM source GROUP BY ALL ORDER BY ALL").fetchall()  # noqa: S608 - a quoted name
    )
    undated = counted.pop(None, 0)
    if undated:
        [(example,)] = connection.sql(
            f"SELECT CAST({quoted(name)} AS VARCHAR) FROM source WHERE {night_of(name)} IS NULL LIMIT 1"  # noqa: S608
        ).fetchall()
        raise UsageError(
            f"--partition {name!r}: {undated:,} rows have no date there, such as {example!r}. "
            "Expected a date or a time in each row, such as 2026-02-28."
        )
    return {night: rows for night, rows in counted.items() if night is not None}


def _names_rows(connection: DuckDBPyConnection, wishes: Wishes) -> bool:
    """Make sure that the ids name one row of a night, and say whether they come again in other nights."""
    names = ", ".join(quoted(name) for name in wishes.ids)
    missing = " OR ".join(f"{quoted(name)} IS NULL" for name in wishes.ids)
    [(without,)] = connection.sql(f"SELECT count(*) FROM source WHERE {missing}").fetchall()  # noqa: S608
    if without:
        raise UsageError(f"--id {', '.join(wishes.ids)}: {without:,} rows have none. Every row needs a name.")
    doubled = connection.sql(
        f"SELECT {night_of(wishes.partition)} AS n, {names}, count(*) FROM source GROUP BY ALL HAVING count(*) > 1 LIMIT 1"  # noqa: S608
    ).fetchall()
    if doubled:
        night, *ids, times = doubled[0]
        named = ", ".join(f"{name} {value}" for name, value in zip(wishes.ids, ids, strict=True))
        raise UsageError(
            f"--id {', '.join(wishes.ids)}: {named} is there {times} times in the night {night}. "
            "Ids name one row of a night; give --id for each column that is needed."
        )
    again = f"SELECT 1 FROM source GROUP BY {names} HAVING count(*) > 1 LIMIT 1"  # noqa: S608
    return bool(connection.sql(again).fetchall())


def _column(connection: DuckDBPyConnection, name: str, sql_type: str) -> Column:
    kind, this = kind_of(sql_type), quoted(name)
    if kind is None:
        return Column(name, None, sql_type, 0, 0)
    ends = f"min({this}), max({this})" if kind in ("int64", "double") else "NULL, NULL"
    [(known, distinct, low, high)] = connection.sql(
        f"SELECT count({this}), approx_count_distinct({this}), {ends} FROM source {_numbers_only(this, kind)}"  # noqa: S608
    ).fetchall()
    values = _values(connection, this, kind) if distinct <= 2 * FEW else {}
    return Column(
        name,
        kind,
        sql_type,
        known,
        len(values) if values else min(distinct, known),
        None if low is None else float(low),
        None if high is None else float(high),
        values,
    )


def _numbers_only(this: str, kind: str) -> str:
    """NaN and infinity say nothing of what is usual."""
    return f"WHERE isfinite(CAST({this} AS DOUBLE))" if kind == "double" else f"WHERE {this} IS NOT NULL"


def _values(connection: DuckDBPyConnection, this: str, kind: str) -> dict[Any, int]:
    """Return the values with their counts, or none if there are too many after all."""
    if kind == "timestamp":
        return {}
    plain = {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN"}[kind]
    found = connection.sql(
        f"SELECT CAST({this} AS {plain}) AS value, count(*) FROM source {_numbers_only(this, kind)} "  # noqa: S608
        f"GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT {FEW + 1}"
    ).fetchall()
    return dict(found) if len(found) <= FEW else {}


def _spread(connection: DuckDBPyConnection, label: Column) -> float | None:
    if label.kind not in ("int64", "double"):
        return None
    this = quoted(label.name)
    [(spread,)] = connection.sql(
        f"SELECT stddev_pop(CAST({this} AS DOUBLE)) FROM source {_numbers_only(this, label.kind)}"  # noqa: S608
    ).fetchall()
    return None if spread is None else float(spread)


def _tells(connection: DuckDBPyConnection, label: Column, columns: Iterable[Column]) -> dict[str, float]:
    """Return for each column how much of the label it alone explains.

    Rows with the same value (of a number: with about the same) form a group, those without one another. For a label of few
    values it is by how much guessing the most frequent one of each group beats guessing the most frequent one of all; for
    a number, the share of its variance that lies between the groups.
    """
    asked = [c for c in columns if c.name != label.name and c.known and _groups(c)]
    names = ", ".join(quoted(column.name) for column in (label, *asked))
    connection.execute(
        f"CREATE OR REPLACE TABLE sampled AS SELECT {names} FROM source WHERE {quoted(label.name)} IS NOT NULL "  # noqa: S608
        f"USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (7)"
    )
    return {column.name: _told(connection, label, column) for column in asked}


def _groups(column: Column) -> str | None:
    this = quoted(column.name)
    if column.values:
        return f"CAST({this} AS VARCHAR)"
    if column.kind not in ("int64", "double") or column.low is None or column.high is None:
        return None
    return f"CAST(ntile({BINS}) OVER (PARTITION BY {this} IS NULL ORDER BY {this}) AS VARCHAR) || ({this} IS NULL)"


def _told(connection: DuckDBPyConnection, label: Column, column: Column) -> float:
    this = quoted(label.name)
    grouped = f"WITH grouped AS (SELECT {_groups(column)} AS g, {this} AS y FROM sampled)"  # noqa: S608
    if label.values and (label.kind != "double" or len(label.values) == 2):
        counted = "counted AS (SELECT g, y, count(*) AS n FROM grouped GROUP BY ALL)"
        best = "best AS (SELECT max(n) AS n FROM counted GROUP BY g)"
        sql = f"{grouped}, {counted}, {best} SELECT sum(n) FROM best"  # noqa: S608
        [(right,)] = connection.sql(sql).fetchall()
        of_each = f"SELECT count(*) AS n FROM sampled GROUP BY {this}"  # noqa: S608
        [(most, rows)] = connection.sql(f"SELECT max(n), sum(n) FROM ({of_each})").fetchall()  # noqa: S608
        return float((int(right) - most) / max(1, rows - most))
    if label.kind not in ("int64", "double"):
        return 0.0
    means = "means AS (SELECT avg(y) AS m, count(*) AS n FROM grouped WHERE isfinite(CAST(y AS DOUBLE)) GROUP BY g)"
    whole = f"(SELECT var_pop(CAST({this} AS DOUBLE)) FROM sampled {_numbers_only(this, label.kind)})"  # noqa: S608
    between = "sum(n * m * m) / sum(n) - pow(sum(n * m) / sum(n), 2)"
    [(told,)] = connection.sql(f"{grouped}, {means} SELECT ({between}) / nullif({whole}, 0) FROM means").fetchall()  # noqa: S608
    return float(told or 0.0)
