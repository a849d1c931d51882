"""Two imaginary DAGs: a chain like this repository's scoring DAG, and one with branches. Times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.engine.promises.values import Declaration, Promise, Task

MINUTE = 60.0


@dataclass(frozen=True)
class Cost:
    """What a step costs on a usual machine: seconds whatever the rows, and seconds per million rows."""

    fixed: float
    per_million_rows: float = 0.0


@dataclass(frozen=True)
class House:
    """A DAG and what it costs.

    Attributes:
        declaration: The DAG.
        costs: By task id; of the mapped step: of all its shards together.
        rows: On a usual weekday.
        rows_per_shard: How the mapped step is cut.
        workers: How many shards run at the same time.
    """

    declaration: Declaration
    costs: Mapping[str, Cost]
    rows: int
    rows_per_shard: int
    workers: int

    @property
    def promise(self) -> Promise:
        """The one promise that is judged."""
        return self.declaration.promises[0]


def _declaration(dag_id: str, *tasks: Task) -> Declaration:
    return Declaration(
        dag_id,
        kind="scoring",
        pipeline=dag_id,
        owner="nobody",
        schedule="0 2 * * *",
        partitioned=True,
        tasks=tasks,
        delivers="publish",
        promises=(Promise("finish_by", dag_id, at="06:00"),),
    )


CHAIN = House(
    _declaration(
        "chain",
        Task("validate"),
        Task("plan", ("validate",)),
        Task("score", ("plan",), mapped=True),
        Task("publish", ("score",)),
        Task("monitor", ("publish",)),
    ),
    {
        "validate": Cost(10 * MINUTE, 5 * MINUTE),
        "plan": Cost(1 * MINUTE),
        "score": Cost(10 * MINUTE, 150 * MINUTE),
        "publish": Cost(15 * MINUTE, 3 * MINUTE),
        "monitor": Cost(15 * MINUTE),
    },
    rows=3_000_000,
    rows_per_shard=200_000,
    workers=4,
)

BRANCHES = House(
    _declaration(
        "branches",
        Task("extract_orders"),
        Task("extract_customers"),
        Task("plan", ("extract_orders",)),
        Task("join", ("plan", "extract_customers")),
        Task("validate", ("join",)),
        Task("score", ("validate",), mapped=True),
        Task("publish", ("score",)),
        Task("report", ("validate",)),
    ),
    {
        "extract_orders": Cost(10 * MINUTE, 8 * MINUTE),
        "extract_customers": Cost(25 * MINUTE),
        "plan": Cost(1 * MINUTE),
        "join": Cost(5 * MINUTE, 10 * MINUTE),
        "validate": Cost(10 * MINUTE),
        "score": Cost(0.0, 240 * MINUTE),
        "publish": Cost(20 * MINUTE),
        "report": Cost(30 * MINUTE),
    },
    rows=2_000_000,
    rows_per_shard=250_000,
    workers=8,  # all shards at once on most nights
)

HOUSES = (CHAIN, BRANCHES)
