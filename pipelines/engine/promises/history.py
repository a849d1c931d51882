"""How long each step took on earlier nights, and how far tonight's has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from pipelines.engine.promises.facts import NightFact, RunFact, TaskFact
from pipelines.engine.promises.values import Declaration, Task


@dataclass(frozen=True)
class PastRun:
    """One earlier run that went through.

    Attributes:
        night: Which.
        began: Seconds from when it should have begun to when it did; 0 where no clock starts it.
        steps: By task id: seconds from when everything that it waits for was there to its end. Waiting for a free worker
            is a part of that, retries are, and a mapped task ends with its last shard.
        rows: Rows that were delivered, None if unknown.
        shards: Into how many scoring tasks they were cut, None if unknown.
    """

    night: str
    began: float
    steps: Mapping[str, float]
    rows: int | None = None
    shards: int | None = None


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        waited: Seconds since it should have begun, while it has not; None once it has.
        done: By task id: seconds that finished steps took.
        running: By task id: seconds since everything that the step waits for was there; it need not have begun itself.
        shards_done: By task id of running mapped steps: how many shards are finished, of how many.
        rows: Rows of this night, None while unknown.
        shards: Scoring tasks of this night, None while unknown.
        shards_running: By task id of running mapped steps: for how many seconds each shard has been at work that still is.
        shard_seconds: By task id of running mapped steps: how long their finished shards took, on average; only if there
            are such.
    """

    waited: float | None = None
    done: Mapping[str, float] = field(default_factory=dict)
    running: Mapping[str, float] = field(default_factory=dict)
    shards_done: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    rows: int | None = None
    shards: int | None = None
    shards_running: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    shard_seconds: Mapping[str, float] = field(default_factory=dict)


def past_runs(
    declaration: Declaration,
    runs: Iterable[RunFact],
    nights: Mapping[tuple[str, str, str], NightFact],
    ticks: Mapping[str, float],
) -> list[PastRun]:
    """Return the runs that went through, oldest first.

    Args:
        declaration: Their DAG.
        runs: Runs of it, in any order; runs that are not over, or failed, are left out.
        nights: As in `Facts`.
        ticks: By night: when it should have begun, where that is known.
    """
    past = []
    for run in sorted(runs, key=lambda run: run.started_at or 0.0):
        if run.state != "success" or run.started_at is None or run.ended_at is None:
            continue
        ended = _ends(run.tasks, {})
        if any(task.task_id not in ended for task in declaration.tasks):
            continue  # a gap: something of it was never heard of
        known = nights.get((declaration.pipeline or "", declaration.kind, run.night), NightFact())
        tick = ticks.get(run.night) if run.kind == "scheduled" else None
        began = max(0.0, run.started_at - tick) if tick is not None else 0.0
        steps = {
            task.task_id: max(0.0, ended[task.task_id] - _ready_at(task, ended, run.started_at))
            for task in declaration.tasks
        }
        past.append(PastRun(run.night, began, steps, known.rows, known.shards))
    return past


def progress_of(
    declaration: Declaration, run: RunFact | None, night: NightFact, tick: float | None, now: float
) -> Progress:
    """Return how far a night has come.

    Args:
        declaration: Its DAG.
        run: Its run, if there is one.
        night: What the ledger says of it.
        tick: When it should have begun; None if no clock starts it.
        now: Seconds since 1970.
    """
    if run is None or run.started_at is None:
        return Progress(waited=max(0.0, now - tick) if tick is not None else 0.0, rows=night.rows, shards=night.shards)
    mapped = {task.task_id: night.shards for task in declaration.tasks if task.mapped and night.shards}
    ended = _ends(run.tasks, mapped)
    done, running = {}, {}
    shards_done, shards_running, shard_seconds = {}, {}, {}
    for task in declaration.tasks:
        if task.task_id in ended:
            done[task.task_id] = max(0.0, ended[task.task_id] - _ready_at(task, ended, run.started_at))
        elif all(name in ended for name in task.upstream):
            running[task.task_id] = max(0.0, now - _ready_at(task, ended, run.started_at))
            mine = [fact for fact in run.tasks if fact.task_id == task.task_id]
            if task.mapped and night.shards:
                took = [fact.ended_at - fact.started_at for fact in mine if fact.state == "success" and fact.ended_at]
                shards_done[task.task_id] = (len(took), night.shards)
                shards_running[task.task_id] = tuple(now - fact.started_at for fact in mine if not fact.over)
                if took:
                    shard_seconds[task.task_id] = max(0.0, fmean(took))
    return Progress(None, done, running, shards_done, night.rows, night.shards, shards_running, shard_seconds)


def _ready_at(task: Task, ended: Mapping[str, float], started_at: float) -> float:
    return max((ended[name] for name in task.upstream if name in ended), default=started_at)


def _ends(tasks: Sequence[TaskFact], mapped: Mapping[str, int]) -> dict[str, float]:
    """When each task was over; tasks that are not are left out.

    Args:
        tasks: What was heard of the run's tasks.
        mapped: How many instances a mapped task has. Without that a task is taken to be over when all instances are that
            were heard of, though others may be to come.
    """
    ends: dict[str, float] = {}
    for task_id in {task.task_id for task in tasks}:
        mine = [task for task in tasks if task.task_id == task_id]
        if all(task.over and task.ended_at is not None for task in mine) and len(mine) >= mapped.get(task_id, 1):
            ends[task_id] = max(task.ended_at or 0.0 for task in mine)
    return ends
