"""What is known about nights, as plain values. All times are seconds since 1970, by the clock that the nights are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RunKind = Literal["scheduled", "manual", "backfill", "asset_triggered"]
RunState = Literal["queued", "running", "success", "failed"]
TaskState = Literal["running", "success", "failed", "up_for_retry", "skipped", "deferred"]
Cause = Literal["error", "checks", "tampered"]


@dataclass(frozen=True)
class TaskFact:
    """One task instance of a run; `map_index` is -1 unless it is mapped. `started_at` is of its first try."""

    task_id: str
    map_index: int
    state: TaskState
    started_at: float
    ended_at: float | None = None
    try_number: int = 1

    @property
    def over(self) -> bool:
        """Whether it will not run again by itself."""
        return self.state in ("success", "failed", "skipped")


@dataclass(frozen=True)
class RunFact:
    """One run of a DAG.

    Attributes:
        dag_id, run_id: Which.
        night: The partition that it works on; the id of the run itself, if it has none.
        kind: Who asked for it.
        state: As it was told last.
        started_at: None while nothing of it has run.
        ended_at: None while it runs.
        tasks: What was heard of its tasks.
    """

    dag_id: str
    run_id: str
    night: str
    kind: RunKind
    state: RunState
    started_at: float | None
    ended_at: float | None = None
    tasks: tuple[TaskFact, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Work that failed for good: the step, the reason in words, what kind of reason, and the key."""

    step: str
    error: str
    cause: Cause = "error"
    key: str = ""


@dataclass(frozen=True)
class Finding:
    """Something that a finished step saw, and that a person should look at: a closed gate, or a night that drifts."""

    alert: Literal["gate_refused", "drift"]
    text: str
    key: str = ""


@dataclass(frozen=True)
class NightFact:
    """One night (or one training) of a pipeline, as the ledger's keys tell it, whoever ran it.

    Attributes:
        published_at: When readers first had it; for a training, when it was through. None while they have not.
        rows: Rows that were delivered, None while unknown.
        shards: Of how many scoring tasks, None while unknown.
        failures: What failed last, per step; empty once the night is through.
        findings: What its steps saw.
    """

    published_at: float | None = None
    rows: int | None = None
    shards: int | None = None
    failures: tuple[Failure, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Everything that the judge may look at.

    Attributes:
        runs: Runs by DAG, in any order.
        nights: By pipeline, DAG kind (`scoring`, `training`) and night.
        newest: By pipeline: the newest published night, and when it was (last) published.
        since: By promise id: when the promise was first made; nights that were due before are not judged.
    """

    runs: Mapping[str, tuple[RunFact, ...]] = field(default_factory=dict)
    nights: Mapping[tuple[str, str, str], NightFact] = field(default_factory=dict)
    newest: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)
