"""What was promised, and by which DAG: plain values that the ledger keeps as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

PromiseKind = Literal["finish_by", "finish_within", "due_within", "fresh_within", "succeed"]
"""`succeed` is what every DAG promises without saying it; it is kept where no promise for the whole run is declared."""
DagKind = Literal["scoring", "training", "maintenance", "other"]

WHOLE_RUN: tuple[PromiseKind, ...] = ("finish_by", "finish_within", "succeed")
"""Promises about a whole run. A run's failure or absence belongs to the first of them that its DAG makes."""


@dataclass(frozen=True)
class Promise:
    """One thing that a DAG or a task said about time.

    Attributes:
        kind: `finish_by` a time of day; `finish_within` so long after the run began; `due_within`: a task (each one, if it
            is mapped) finished so long after its run began; `fresh_within`: the newest night of the published table was
            published no longer ago than that; `succeed`.
        dag_id: Whose promise it is.
        task_id: Of `due_within`, else None.
        at: Of `finish_by`: local time of day, `06:00`, else None.
        within_seconds: Of the `_within` kinds, else None.
        timezone: Of `at`, such as `America/New_York`.
        backfills: Whether it holds for nights that are backfilled, too.
    """

    kind: PromiseKind
    dag_id: str
    task_id: str | None = None
    at: str | None = None
    within_seconds: float | None = None
    timezone: str = "UTC"
    backfills: bool = False

    @property
    def id(self) -> str:
        """Names the promise for good: `flights_scoring/finish_by`, `flights_scoring/score/due_within`."""
        return "/".join(filter(None, (self.dag_id, self.task_id, self.kind)))


@dataclass(frozen=True)
class Task:
    """One task of a DAG: what it waits for, and whether it is mapped."""

    task_id: str
    upstream: tuple[str, ...] = ()
    mapped: bool = False


@dataclass(frozen=True)
class Declaration:
    """One DAG as its file declares it.

    Attributes:
        dag_id: The DAG.
        kind: What it does.
        pipeline: Whose nights or trainings they are; None for a DAG that is not of a pipeline.
        owner: Who answers for it.
        file: Path of the DAG file below the DAGs folder.
        schedule: Cron expression, or None if no clock starts it.
        timezone: Of the schedule.
        starts, ends: First and last moment of the schedule, in seconds since 1970; None for always.
        partitioned: Whether its runs carry a partition key.
        starts_paused: Whether it is created paused: nobody waits for its runs before the first one.
        tasks: Its graph.
        delivers: The task whose end keeps a promise about the whole run; None: all of them.
        promises: What it promises.
    """

    dag_id: str
    kind: DagKind = "other"
    pipeline: str | None = None
    owner: str = ""
    file: str = ""
    schedule: str | None = None
    timezone: str = "UTC"
    starts: float | None = None
    ends: float | None = None
    partitioned: bool = False
    starts_paused: bool = False
    tasks: tuple[Task, ...] = ()
    delivers: str | None = None
    promises: tuple[Promise, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, as they come back from wherever they are kept."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Declaration:
        """Read what `to_json` gave. Fields that this version does not know are left out."""
        known = _known(cls, value)
        known["tasks"] = tuple(
            Task(**{**_known(Task, task), "upstream": tuple(task.get("upstream", ()))}) for task in value["tasks"]
        )
        known["promises"] = tuple(Promise(**_known(Promise, promise)) for promise in value["promises"])
        return cls(**known)


def _known(kind: type, value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in kind.__dataclass_fields__ if name in value}  # type: ignore[attr-defined]
