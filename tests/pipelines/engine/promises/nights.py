"""Nights of a small DAG to judge: validate -> score (mapped) -> publish, promised by 06:00."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from pipelines.engine.promises.facts import Facts, NightFact, RunFact, TaskFact
from pipelines.engine.promises.values import Declaration, Promise, Task
from pipelines.engine.promises.verdicts import Verdict

ZONE = ZoneInfo("America/New_York")
DAG = "tides_scoring"
NIGHT = "2026-11-20"
BY_SIX = Promise("finish_by", DAG, at="06:00", timezone="America/New_York")
WITHIN = Promise("finish_within", DAG, within_seconds=7200.0)
SHARDS_DUE = Promise("due_within", DAG, task_id="score", within_seconds=3600.0)
FRESH = Promise("fresh_within", DAG, within_seconds=26 * 3600.0)
SUCCEED = Promise("succeed", DAG)
TASKS = (Task("validate"), Task("score", ("validate",), mapped=True), Task("publish", ("score",)))


def at(text: str, night: str = NIGHT) -> float:
    return datetime.fromisoformat(text if "T" in text else f"{night}T{text}").replace(tzinfo=ZONE).timestamp()


TICK = at("02:00")


def declared(*promises: Promise, **changes: object) -> Declaration:
    nightly = Declaration(
        DAG,
        kind="scoring",
        pipeline="tides",
        owner="tide-science",
        schedule="0 2 * * *",
        timezone="America/New_York",
        starts=at("2026-11-20T00:00"),
        partitioned=True,
        tasks=TASKS,
        delivers="publish",
        promises=promises or (BY_SIX,),
    )
    return replace(nightly, **changes)


def run(state: str = "running", *tasks: TaskFact, **changes: object) -> RunFact:
    ended = {"ended_at": TICK + 600} if state in ("success", "failed") else {}
    begun = RunFact(DAG, f"scheduled__{NIGHT}", NIGHT, "scheduled", state, TICK + 5, tasks=tasks)
    return replace(begun, **{**ended, **changes})


def shards(of: int, *, done: int = 0, ended_at: float = TICK + 60, running: int = 0) -> tuple[TaskFact, ...]:
    over = [TaskFact("score", number, "success", TICK + 30, ended_at) for number in range(done)]
    busy = [TaskFact("score", number, "running", TICK + 30) for number in range(done, done + running)]
    return (*over, *busy) if of else ()


def facts(*runs: RunFact, since: float = 0.0, newest: tuple[str, float] | None = None, **night: object) -> Facts:
    promises = (BY_SIX, WITHIN, SHARDS_DUE, FRESH, SUCCEED)
    return Facts(
        runs={DAG: runs} if runs else {},
        nights={("tides", "scoring", NIGHT): NightFact(**night)} if night else {},
        newest={"tides": newest} if newest else {},
        since={promise.id: since for promise in promises},
    )


def only(verdicts: list[Verdict], promise: Promise = BY_SIX, night: str = NIGHT) -> Verdict:
    (found,) = [verdict for verdict in verdicts if verdict.promise_id == promise.id and verdict.night == night]
    return found
