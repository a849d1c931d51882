"""Did all subjects do the same work? Their scores are compared, row by row of the real flights, whatever order they wrote in.

The rows are real flights, repeated: rows with the same id have the same features, so each id has one score, as often as it is
repeated. For each id the number of rows and the range of scores are compared with those of the first subject.
"""

from __future__ import annotations

import json
from pathlib import Path

SAME_BOOSTER = 1e-9
OTHER_ARITHMETIC = 1e-6


def disagreement(name: str, output: Path, reference: Path, tolerance: float) -> str | None:
    """Say in words how a subject's scores differ from the reference; None if they agree.

    Args:
        name: The subject, for the words.
        output: A Parquet file or a folder of them, with `flight_id` and `score`.
        reference: Likewise, of the subject that is believed.
        tolerance: By how much a score may differ.
    """
    import duckdb

    if not _files(output):
        return f"{name} wrote no scores"
    with duckdb.connect() as connection:
        found = connection.execute(
            """
            WITH theirs AS (SELECT flight_id, count(*) AS times, min(score) AS least, max(score) AS most
                            FROM read_parquet($theirs) GROUP BY flight_id),
                 ours AS (SELECT flight_id, count(*) AS times, min(score) AS least, max(score) AS most
                          FROM read_parquet($ours) GROUP BY flight_id)
            SELECT count(*) FILTER (theirs.times IS DISTINCT FROM ours.times),
                   coalesce(max(greatest(abs(theirs.least - ours.least), abs(theirs.most - ours.most))), 0),
                   count(*) FILTER (theirs.times = ours.times AND (isnan(theirs.most) OR theirs.most IS NULL))
            FROM theirs FULL JOIN ours USING (flight_id)
            """,
            {"theirs": _files(output), "ours": _files(reference)},
        ).fetchall()[0]
    return _words(name, *found, tolerance)


def disagreement_in_order(name: str, output: Path, ids: Path, reference: Path, tolerance: float) -> str | None:
    """Do the same for predictions that carry no ids, as `mlflow models predict` writes them: JSON, in the order of the rows.

    Args:
        name: The subject, for the words.
        output: The JSON file.
        ids: A Parquet file with the `flight_id` of each predicted row, in order.
        reference: As above; flights that it did not score are not compared.
        tolerance: As above.
    """
    import pyarrow.parquet as pq

    try:
        scores = json.loads(output.read_text())["predictions"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{name} wrote no predictions that can be read: {error}"
    flights = pq.read_table(ids, columns=["flight_id"])["flight_id"].to_pylist()
    if len(flights) != len(scores):
        return f"{name} did not score the same rows: it gave {len(scores):,} scores for {len(flights):,} rows"
    table = pq.read_table(_files(reference), columns=["flight_id", "score"])
    believed = dict(zip(table["flight_id"].to_pylist(), table["score"].to_pylist(), strict=True))
    pairs = [(score, believed[flight]) for flight, score in zip(flights, scores, strict=True) if flight in believed]
    missing = sum(score is None for score, _ in pairs)
    worst = max((abs(score - other) for score, other in pairs if score is not None), default=0.0)
    return _words(name, 0, worst, missing, tolerance)


def _files(output: Path) -> list[str]:
    if output.is_dir():
        return [str(path) for path in sorted(output.rglob("*.parquet"))]
    return [str(output)] if output.exists() else []


def _words(name: str, other_counts: int, worst: float, missing: int, tolerance: float) -> str | None:
    if other_counts:
        return f"{name} did not score the same rows: {other_counts:,} flights come another number of times"
    if missing:
        return f"{name} gave no score for {missing:,} flights"
    if not worst <= tolerance:  # so that NaN is no agreement
        return f"{name} gave other scores: they differ by up to {worst:.3g}, and {tolerance:.0e} is allowed"
    return None
