"""Where shards are scored: in this process, or in the executors of a Spark cluster.

```
base.py       ShardWork, and the protocol ScoringEngine
local.py      here
orders.py     a shard's work as plain JSON, and the model's package as one file, for those who score elsewhere
executor.py   carries an order out there; gives plain JSON back
spark.py      sends orders to a Spark cluster
session.py    the door to that cluster
job.py        many orders as one batch job, for clouds that take jobs instead of sessions
```

An engine only turns rows into a shard file. Keys, claims, fences and the publication stay with whoever calls it, so a
night that one engine began can be finished by another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.engine.errors import UsageError, nearest

if TYPE_CHECKING:
    from pipelines.engine.scoring_engines.base import ScoringEngine

ENGINES = ("local", "spark")


def engine_mistake(name: object) -> str | None:
    """Say what is wrong with the name of an engine, or return None."""
    if name in ENGINES:
        return None
    return f"engine is {name!r}; expected one of: {', '.join(ENGINES)}.{nearest(str(name), ENGINES)}"


def open_engine(name: str, *, spark: str | None = None, at_once: int = 1) -> ScoringEngine:
    """Return an engine; a cluster is asked for when the first shard is scored.

    Args:
        name: One of `ENGINES`.
        spark: The cluster: `sc://HOST:PORT` (Spark Connect), or a master such as `yarn` or `local[2]`.
        at_once: How many shards are given to the cluster at the same time.

    Raises:
        UsageError: There is no such engine, or nobody said where the cluster is.
    """
    mistake = engine_mistake(name)
    if mistake:
        raise UsageError(mistake)
    if name == "local":
        from pipelines.engine.scoring_engines.local import LOCAL

        return LOCAL
    if not spark:
        raise UsageError(
            "engine spark needs a cluster, and nobody said which. Set NIGHTSHIFT_SPARK to its address, such as "
            "sc://spark.internal:15002 or yarn, or NIGHTSHIFT_SPARK_CONNECTION to an Airflow connection."
        )
    from pipelines.engine.scoring_engines.spark import SparkEngine

    return SparkEngine(spark, at_once)
