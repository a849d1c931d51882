"""From what the ledger remembers to facts. Pure; times become those of the clock that the nights are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pipelines.engine.clock import Clock
from pipelines.engine.ledger.briefs import Brief
from pipelines.engine.ledger.observations import SeenRun, SeenTask
from pipelines.engine.ledger.values import Entry
from pipelines.engine.promises.facts import (
    Cause,
    Failure,
    Finding,
    NightFact,
    RunFact,
    RunKind,
    RunState,
    TaskFact,
    TaskState,
)
from pipelines.engine.promises.schedule import night_of
from pipelines.engine.promises.values import Declaration
from pipelines.engine.steps import NIGHT_STEPS, SEARCH_STEPS, TRAINING_STEPS

STEPS: Mapping[str, tuple[str, ...]] = {"scoring": NIGHT_STEPS, "training": (*TRAINING_STEPS, *SEARCH_STEPS)}
THROUGH: Mapping[str, str] = {"scoring": "publish", "training": "promote"}
"""The step after which a night can be read, or a training is through."""
CAUSES: Mapping[str, Cause] = {"ChecksFailed": "checks", "TooManyRefused": "checks", "TamperedModel": "tampered"}
"""Errors by name, as the ledger keeps them in front of their text."""
KeyFact = Entry | Brief


def night_facts(pipeline: str, entries: Iterable[KeyFact], clock: Clock) -> dict[tuple[str, str, str], NightFact]:
    """Return what the keys of a pipeline say of its nights and trainings.

    Args:
        pipeline: Its name.
        entries: Its keys, in any order.
        clock: Translates their times.

    Returns:
        By pipeline, DAG kind and night.
    """
    grouped: dict[tuple[str, str, str], list[KeyFact]] = {}
    for entry in entries:
        for kind, steps in STEPS.items():
            if entry.step in steps:
                grouped.setdefault((pipeline, kind, entry.partition.partition("#")[0]), []).append(entry)
    return {which: _night_fact(which[1], sorted(mine, key=_touched), clock) for which, mine in grouped.items()}


def last_published(keys: Iterable[KeyFact]) -> dict[str, float]:
    """Return when each night was last published, in seconds since 1970 by the database's clock."""
    last: dict[str, float] = {}
    for key in keys:
        if key.step == "publish" and key.state == "done" and key.finished_at:
            last[key.partition] = max(key.finished_at, last.get(key.partition, 0.0))
    return last


def newest_night(
    nights: Mapping[tuple[str, str, str], NightFact], published: Mapping[str, float], clock: Clock
) -> tuple[str, float] | None:
    """Return the newest published night of a pipeline, and when it was last published; None if none ever was.

    Args:
        nights: What is known of its nights.
        published: What `last_published` says of them.
        clock: Translates its times.
    """
    mine = (night for (_, kind, night), fact in nights.items() if kind == "scoring" and fact.published_at)
    night = max(mine, default=None)
    return None if night is None else (night, clock.shows(published[night]))


def run_facts(
    declaration: Declaration, runs: Sequence[SeenRun], tasks: Sequence[SeenTask], clock: Clock
) -> tuple[RunFact, ...]:
    """Return a DAG's runs with their tasks; without those that were begun by hand and forgot which night they are for."""
    mine: dict[str, list[SeenTask]] = {}
    for task in tasks:
        mine.setdefault(task.run_id, []).append(task)
    return tuple(
        _run_fact(declaration, run, mine.get(run.run_id, []), clock)
        for run in runs
        if run.partition_key or run.kind != "manual" or not declaration.partitioned
    )


def night_of_run(declaration: Declaration, run: SeenRun) -> str:
    """Return the night that a run works on: its partition; else the tick that it was due at; else itself."""
    if run.partition_key:
        return run.partition_key
    if run.kind in ("scheduled", "backfill") and run.run_after is not None:
        return night_of(declaration, run.run_after)
    return run.run_id


def _run_fact(declaration: Declaration, run: SeenRun, tasks: Sequence[SeenTask], clock: Clock) -> RunFact:
    return RunFact(
        run.dag_id,
        run.run_id,
        night_of_run(declaration, run),
        cast("RunKind", run.kind),
        cast("RunState", run.state),
        _shown(run.started_at, clock),
        _shown(run.ended_at, clock),
        tuple(_task_fact(task, clock) for task in tasks),
    )


def _task_fact(task: SeenTask, clock: Clock) -> TaskFact:
    state, started_at = cast("TaskState", task.state), clock.shows(task.started_at)
    return TaskFact(task.task_id, task.map_index, state, started_at, _shown(task.ended_at, clock), task.try_number)


def _shown(seconds: float | None, clock: Clock) -> float | None:
    return None if seconds is None else clock.shows(seconds)


def _touched(entry: KeyFact) -> float:
    return max(entry.claimed_at, entry.finished_at or 0.0)


def _night_fact(kind: str, entries: Sequence[KeyFact], clock: Clock) -> NightFact:
    """Make the fact of one night; `entries` are its keys, the last touched at the end."""
    ends = [e.finished_at for e in entries if e.step == THROUGH[kind] and e.state == "done" and e.finished_at]
    results = {entry.step: entry for entry in entries if entry.state == "done" and entry.result}
    planned = _result(results, "plan")
    return NightFact(
        published_at=clock.shows(min(ends)) if ends else None,
        rows=planned.get("rows_in") or _result(results, "validate").get("rows_in"),
        shards=planned.get("shards"),
        failures=tuple(_failures(entries)),
        findings=tuple(_findings(results)),
    )


def _result(results: Mapping[str, KeyFact], step: str) -> dict[str, Any]:
    return (results[step].result or {}) if step in results else {}


def _failures(entries: Sequence[KeyFact]) -> Iterable[Failure]:
    """What failed last: a step (or a shard) that was touched again since is no failure any more."""
    last = {(entry.step, entry.partition): entry for entry in entries}
    for entry in last.values():
        if entry.state == "failed" and entry.error:
            name, _, said = entry.error.partition(": ")
            yield Failure(entry.step, said or name, CAUSES.get(name, "error"), entry.key)


def _findings(results: Mapping[str, KeyFact]) -> Iterable[Finding]:
    for warning in _result(results, "monitor").get("warnings", ()):
        yield Finding("drift", warning, results["monitor"].key)
    promoted = _result(results, "promote")
    if promoted and not promoted.get("promoted", True):
        yield Finding(
            "gate_refused", f"version {promoted['version']}: {'; '.join(promoted['reasons'])}", results["promote"].key
        )
