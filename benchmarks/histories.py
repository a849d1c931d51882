"""A ledger with years behind it: many pipelines, many nights, written straight into its tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from pipelines.engine.ledger.database import connect
from pipelines.engine.ledger.migrate import migrate
from pipelines.engine.ledger.schema import (
    dag_runs,
    declarations,
    incidents,
    outcomes,
    task_events,
    task_keys,
    task_runs,
)
from pipelines.engine.promises.values import Declaration, Promise, Task
from pipelines.engine.promises.verdicts import Verdict

FIRST = date(2025, 10, 1)
TRAINED_EVERY = 7
FAILS_EVERY = 61
LATE_EVERY = 37
OPEN_NIGHTS = 19
"""Of the newest nights, incidents are still open."""
CHUNK = 5000
STEPS = ("validate", "plan", "score", "publish", "monitor")


def fill(url: str, *, pipelines: int, nights: int, first: date = FIRST) -> list[str]:
    """Write a history into an empty ledger: every night's keys and events, trainings, runs, outcomes and incidents.

    Returns:
        The names of the pipelines.
    """
    migrate(url)
    names = [f"pipeline_{number:03}" for number in range(pipelines)]
    rows: dict[Any, list[dict[str, Any]]] = {}
    engine = connect(url)
    with engine.begin() as connection:
        for name in names:
            for table, row in _history(name, nights, first):
                waiting = rows.setdefault(table, [])
                waiting.append(row)
                if len(waiting) >= CHUNK:
                    connection.execute(insert(table), waiting)
                    waiting.clear()
        for table, waiting in rows.items():
            if waiting:
                connection.execute(insert(table), waiting)
    engine.dispose()
    return names


def _history(name: str, nights: int, first: date) -> Iterator[tuple[Any, dict[str, Any]]]:
    yield declarations, _declaration(name, first)
    version = 0
    for number in range(nights):
        night = first + timedelta(days=number)
        if number % TRAINED_EVERY == 0:
            version += 1
            yield from _training(name, night, version, first)
        yield from _night(name, number, night, version, newest=number >= nights - OPEN_NIGHTS)


def _night(name: str, number: int, night: date, version: int, *, newest: bool) -> Iterator[tuple[Any, dict[str, Any]]]:
    begun = datetime(night.year, night.month, night.day, 2, tzinfo=UTC).timestamp()
    late = number % LATE_EVERY == LATE_EVERY - 1
    fails = number % FAILS_EVERY == FAILS_EVERY - 1
    at = begun + (5 * 3600 if late else 60)
    refused = number % 11
    results = _results(name, str(night), version, refused, at)
    for step in STEPS:
        partition = f"{night}#0" if step == "score" else str(night)
        failed = fails and step == "validate"
        yield from _key(name, step, partition, at, None if failed else results[step])
        yield task_runs, _task_run(name, step, night, at, failed=failed)
        at += 60
        if failed:
            break
    due = begun + 4 * 3600
    end = None if fails else at
    promise = f"{name}_scoring/finish_by"
    row = {"promise_id": promise, "night": str(night), "dag_id": f"{name}_scoring", "due_at": due, "finished_at": end}
    yield outcomes, {**row, "outcome": "late" if late or fails else "on_time"}
    run = {
        "dag_id": f"{name}_scoring",
        "run_id": f"scheduled__{night}",
        "partition_key": str(night),
        "run_after": begun,
    }
    state = "failed" if fails else "success"
    yield dag_runs, {**run, "kind": "scheduled", "state": state, "started_at": begun, "ended_at": at, "told_at": at}
    if fails or late:
        yield incidents, _incident(name, str(night), due, None if newest else due + 3600)


def _task_run(name: str, step: str, night: date, at: float, *, failed: bool) -> dict[str, Any]:
    which = {"dag_id": f"{name}_scoring", "run_id": f"scheduled__{night}", "task_id": step}
    times = {"started_at": at, "ended_at": at + 50, "told_at": at + 50}
    state = "failed" if failed else "success"
    return {**which, "map_index": 0 if step == "score" else -1, "state": state, "try_number": 1, **times}


def _key(
    name: str, step: str, partition: str, at: float, result: dict[str, Any] | None, **inputs: Any
) -> Iterator[tuple[Any, dict[str, Any]]]:
    digest = digest_of(name, step, partition)
    identity = {
        "pipeline": name,
        "step": step,
        "partition": partition,
        "inputs": {"rows": digest_of(partition), "scores": digest_of(step), "replaces": None, **inputs},
        "parameters": {"columns": {f"column_{number}": "double" for number in range(24)}},
        "code": digest_of("code"),
    }
    common = {"fence": 1, "generation": 1, "holder": "worker-1/4711/0a1b2c3d"}
    yield (
        task_keys,
        {
            **common,
            "key": digest,
            "pipeline": name,
            "step": step,
            "partition": partition,
            "identity": identity,
            "payload_digest": digest,
            "payload": None,
            "state": "failed" if result is None else "done",
            "taken_from": "",
            "claimed_at": at,
            "lease_until": at + 60,
            "finished_at": at + 45,
            "result": result,
            "error": "ChecksFailed: the suite stopped the night" if result is None else None,
        },
    )
    for event, moment in (("claimed", at), ("failed" if result is None else "finished", at + 45)):
        yield task_events, {**common, "key": digest, "at": moment, "event": event, "detail": {}}


def _results(name: str, night: str, version: int, refused: int, at: float) -> dict[str, dict[str, Any]]:
    histogram = [(number * 37) % 211 for number in range(20)]
    failed = [
        {
            "expectation": "expect_column_values_to_be_between",
            "column": "column_1",
            "severity": "quarantine",
            "observed": f"{refused} of 10000 rows",
        }
    ]
    summary = {
        "suite": f"{name}_rows",
        "partition": night,
        "status": "warned" if refused else "passed",
        "rows": 10_000,
        "refused": refused,
        "expectations": 56,
        "failed_by_severity": {"critical": 0, "quarantine": int(refused > 0), "warning": 0},
        "failed": failed if refused else [],
        "failed_not_shown": 0,
    }
    drift = {f"column_{number}": 0.1 * number for number in range(5)}
    counts = {"rows_in": 10_000, "rows_scored": 10_000 - refused, "rows_quarantined": refused}
    shared = {"night": night, "model_version": str(version)}
    return {
        "validate": {"night": night, "rows_in": 10_000, "refused": refused, "quarantine": None, "quarantine_sha256": None, "fingerprint": digest_of(night), "report": None, "summary": summary, "drift": drift},
        "plan": {**shared, "shards": 1, "rows_in": 10_000},
        "score": {**shared, "number": 0, "of": 1, "path": f"night={night}/{digest_of(night)[:32]}-1-1.parquet", "size": 1, "modified_ms": 1, "rows_in": 10_000, "rows_scored": 10_000 - refused, "rows_refused": refused, "score_sum": 2000.0, "histogram": histogram, "scorer": "compiled", "warning": None},
        "publish": {**shared, **counts, "delta_version": 1, "score_mean": 0.2, "histogram": histogram, "planned_at": at, "warnings": []},
        "monitor": {"night": night, "score_mean": 0.2, "deviations": 0.4, "score_stability": 0.01, "training_histogram": [0.05] * 20, "drift": drift, "warnings": []},
    }  # fmt: skip


def _training(name: str, night: date, version: int, first: date) -> Iterator[tuple[Any, dict[str, Any]]]:
    at = datetime(night.year, night.month, night.day, 1, tzinfo=UTC).timestamp()
    as_of = str(night)
    metrics = {"roc_auc": 0.7, "average_precision": 0.3, "log_loss": 0.4, "brier_score": 0.14}
    trained = digest_of(name, "train", as_of)
    opened = version % 3 != 0
    reasons = ["roc_auc 0.7000, at least 0.6000 is needed", "roc_auc is 0.0100 better than the champion's"]
    yield from _key(
        name,
        "validate_training",
        as_of,
        at,
        {"as_of": as_of, "nights": f"{first}..{night}", "holdout": f"{first}..{night}"},
    )
    yield from _key(
        name,
        "train",
        as_of,
        at + 60,
        {
            "as_of": as_of,
            "run_id": trained[:32],
            "model_digest": trained,
            "metrics": metrics,
            "baseline": metrics,
            "rows": {"train": 200_000, "holdout": 20_000},
            "report": None,
            "url": "",
        },
        window=digest_of(as_of),
    )
    yield from _key(
        name,
        "evaluate",
        as_of,
        at + 120,
        {
            "as_of": as_of,
            "opened": opened,
            "reasons": reasons,
            "metrics": metrics,
            "champion_version": str(version - 1),
            "champion_metrics": metrics,
        },
        trained=trained,
    )
    yield from _key(
        name,
        "register",
        as_of,
        at + 180,
        {"as_of": as_of, "version": str(version), "model_digest": trained, "run_id": trained[:32]},
        trained=trained,
    )
    yield from _key(name, "promote", as_of, at + 240, {"as_of": as_of, "version": str(version), "promoted": opened, "reasons": reasons, "replaced": str(version - 1)}, version=str(version))  # fmt: skip


def _declaration(name: str, first: date) -> dict[str, Any]:
    dag_id = f"{name}_scoring"
    order = {step: STEPS[max(0, place - 1) : place] for place, step in enumerate(STEPS)}
    declared = Declaration(
        dag_id,
        kind="scoring",
        pipeline=name,
        owner="pipeline-science",
        file=f"{name}.py",
        schedule="0 2 * * *",
        partitioned=True,
        tasks=tuple(Task(step, upstream, step == "score") for step, upstream in order.items()),
        delivers="publish",
        promises=(Promise("finish_by", dag_id, at="06:00"),),
    )
    begun = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()
    since = {promise.id: begun for promise in declared.promises}
    return {"dag_id": dag_id, "content": declared.to_json(), "since": since, "read_at": begun, "gone_at": None}


def _incident(name: str, night: str, due: float, resolved_at: float | None) -> dict[str, Any]:
    promise = f"{name}_scoring/finish_by"
    return {
        "id": digest_of(promise, night)[:32],
        "promise_id": promise,
        "dag_id": f"{name}_scoring",
        "night": night,
        "owner": "pipeline-science",
        "state": "resolved" if resolved_at else "late",
        "alert": "late",
        "severity": "critical",
        "version": 1,
        "opened_at": due,
        "changed_at": due,
        "due_at": due,
        "resolved_at": resolved_at,
        "verdict": Verdict(
            promise, f"{name}_scoring", night, "late", due_at=due, reason="the rows came late"
        ).to_json(),
    }


def digest_of(*words: str) -> str:
    """Return a digest that the same words always give."""
    return hashlib.sha256("/".join(words).encode()).hexdigest()
