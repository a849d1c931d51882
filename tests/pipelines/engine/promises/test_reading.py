"""Facts as the ledger's keys and what was heard of runs tell them."""

from typing import Any

from pipelines.engine.clock import REAL, Clock
from pipelines.engine.ledger.observations import SeenRun, SeenTask
from pipelines.engine.ledger.values import Entry
from pipelines.engine.promises.facts import Failure, Finding
from pipelines.engine.promises.reading import last_published, newest_night, night_facts, night_of_run, run_facts
from tests.pipelines.engine.promises.nights import DAG, NIGHT, TICK, declared

PLANNED = {"rows_in": 900, "shards": 3}


def entry(step: str, state: str = "done", *, at: float = TICK, partition: str = NIGHT, **details: Any) -> Entry:
    result = details.get("result", {}) if state == "done" else None
    error = details.get("error")
    key = f"{step}-{partition}-{at}"
    finished_at = at + 10 if state == "done" else None
    return Entry(key, "tides", step, partition, {}, state, 1, 1, "me", at, at + 60, finished_at, result, error)


def fact(*entries: Entry, kind: str = "scoring", night: str = NIGHT, clock: Clock = REAL):
    return night_facts("tides", entries, clock)["tides", kind, night]


def test_night_is_published_when_its_first_publication_is():
    assert fact(entry("publish", at=500.0), entry("publish", at=300.0)).published_at == 310.0


def test_rows_and_shards_are_known_once_the_night_is_planned():
    assert fact(entry("validate", result={"rows_in": 900})).rows == 900
    known = fact(entry("validate", result={"rows_in": 900}), entry("plan", result=PLANNED))
    assert (known.rows, known.shards) == (900, 3)


def test_failed_step_says_what_kind_of_failure_it_is():
    known = fact(entry("validate", "failed", error="ChecksFailed: 3 critical expectations failed: a: b"))
    assert known.failures == (
        Failure("validate", "3 critical expectations failed: a: b", "checks", f"validate-{NIGHT}-{TICK}"),
    )
    assert fact(entry("score", "failed", error="TamperedModel: x")).failures[0].cause == "tampered"


def test_step_that_was_done_since_is_no_failure():
    assert fact(entry("validate", "failed", error="RowsMissing: none"), entry("validate", at=TICK + 60)).failures == ()


def test_each_failed_shard_is_a_failure():
    shards = [entry("score", "failed", partition=f"{NIGHT}#{n}", error="ModelError: no") for n in range(3)]
    assert len(fact(*shards).failures) == 3


def test_monitor_and_promotion_say_what_they_saw():
    assert fact(entry("monitor", result={"warnings": ["odd"]})).findings[0] == Finding(
        "drift", "odd", f"monitor-{NIGHT}-{TICK}"
    )
    closed = {"promoted": False, "version": "7", "reasons": ["worse"]}
    assert fact(entry("promote", result=closed), kind="training").findings[0].text == "version 7: worse"
    assert fact(entry("promote", result={**closed, "promoted": True}), kind="training").findings == ()


def test_newest_night_is_the_latest_by_name_as_of_its_last_publication():
    entries = [
        entry("publish", partition="2026-11-19", at=9_000.0),
        entry("publish", partition="2026-11-20", at=500.0),
        entry("publish", partition="2026-11-20", at=700.0),
    ]
    assert newest_night(night_facts("tides", entries, REAL), last_published(entries), REAL) == ("2026-11-20", 710.0)
    assert newest_night({}, {}, REAL) is None


def test_replayed_nights_are_told_in_the_time_that_they_are_in():
    clock = Clock(began=1_000.0, showed=50_000.0, speed=600.0)
    assert fact(entry("publish", at=1_000.0), clock=clock).published_at == 50_000.0 + 10 * 600.0


def seen(**changes: Any) -> SeenRun:
    values = {"partition_key": None, "run_after": TICK, "kind": "scheduled", "state": "success", "ended_at": TICK + 9}
    return SeenRun(**{"dag_id": DAG, "run_id": "a", "started_at": TICK, "told_at": TICK, **values, **changes})


def test_run_is_of_the_night_of_its_partition():
    assert night_of_run(declared(), seen(partition_key="2013-11-19")) == "2013-11-19"


def test_scheduled_run_without_a_partition_is_of_the_night_of_its_tick():
    assert night_of_run(declared(), seen()) == NIGHT


def test_run_by_hand_without_a_partition_is_a_night_of_its_own():
    assert night_of_run(declared(), seen(kind="manual", run_id="manual__7")) == "manual__7"


def test_run_by_hand_that_forgot_its_night_is_none():
    assert run_facts(declared(), [seen(kind="manual", run_id="manual__7")], [], REAL) == ()
    [told] = run_facts(declared(partitioned=False), [seen(kind="manual", run_id="manual__7")], [], REAL)
    assert told.night == "manual__7"


def test_tasks_belong_to_their_run():
    task = SeenTask(DAG, "a", "score", 2, "success", 1, TICK + 1, TICK + 5, TICK + 5)
    first, second = run_facts(declared(), [seen(), seen(run_id="b")], [task], REAL)
    assert [(one.task_id, one.map_index, one.over) for one in first.tasks] == [("score", 2, True)]
    assert second.tasks == ()
