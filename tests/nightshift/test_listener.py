"""What the ledger is told of runs and tasks, and that telling it never hurts."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from nightshift import listener
from nightshift.drill.servers import DatabaseServer
from nightshift.listener import KEPT, QUIET_SECONDS, Teller
from pipelines.engine.errors import LedgerUnavailable
from pipelines.engine.ledger.observations import Observations


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Observations:
    url = request.getfixturevalue(f"{request.param}_ledger_url")
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", url)
    monkeypatch.setattr(listener, "teller", Teller(listener._open_ledger))
    return Observations(url)


def run(**given: Any) -> SimpleNamespace:
    about = {
        "dag_id": "rates",
        "run_id": "r1",
        "run_type": "scheduled",
        "partition_key": "2026-11-20",
        "run_after": datetime(2026, 11, 20, 2, tzinfo=UTC),
        "triggering_user_name": None,
    }
    return SimpleNamespace(**about | given)


def instance(**given: Any) -> SimpleNamespace:
    about = {
        "dag_id": "rates",
        "run_id": "r1",
        "task_id": "fetch",
        "map_index": -1,
        "try_number": 1,
        "state": "running",
    }
    return SimpleNamespace(**about | {"dag_run": run()} | given)


def states(ledger: Observations) -> list[tuple[str, int, str, int]]:
    return [(task.task_id, task.map_index, task.state, task.try_number) for task in ledger.tasks("rates", ["r1"])]


def test_run_is_told_from_its_beginning_to_its_end(ledger: Observations) -> None:
    listener.on_dag_run_running(run(), "")
    (began,) = ledger.runs("rates", since=0.0)
    assert (began.kind, began.state, began.partition_key, began.ended_at) == (
        "scheduled",
        "running",
        "2026-11-20",
        None,
    )
    assert began.run_after == datetime(2026, 11, 20, 2, tzinfo=UTC).timestamp()
    listener.on_dag_run_failed(run(), "")
    (ended,) = ledger.runs("rates", since=0.0)
    assert (ended.state, ended.started_at) == ("failed", began.started_at)
    assert ended.ended_at is not None


@pytest.mark.parametrize(
    ("airflow_s", "ours"),
    [
        ("backfill", "backfill"),
        ("asset_triggered", "asset_triggered"),
        ("asset_materialization", "manual"),
        ("operator_triggered", "manual"),
    ],
)
def test_kinds_of_runs_are_told_in_our_words(ledger: Observations, airflow_s: str, ours: str) -> None:
    listener.on_dag_run_running(run(run_type=airflow_s), "")
    assert ledger.runs("rates", since=0.0)[0].kind == ours


def test_tasks_are_told_with_their_tries_and_their_shards(ledger: Observations) -> None:
    listener.on_task_instance_running(None, instance())
    listener.on_task_instance_failed(None, instance(state="up_for_retry"), "oh")
    assert states(ledger) == [("fetch", -1, "up_for_retry", 1)]
    listener.on_task_instance_running(None, instance(try_number=2))
    listener.on_task_instance_success(None, instance(try_number=2))
    listener.on_task_instance_failed(None, instance(task_id="shard", map_index=3, state="failed"), None)
    listener.on_task_instance_skipped(None, instance(task_id="late"))
    assert sorted(states(ledger)) == [
        ("fetch", -1, "success", 2),
        ("late", -1, "skipped", 1),
        ("shard", 3, "failed", 1),
    ]


def test_runs_at_a_desk_are_told_to_nobody(ledger: Observations) -> None:
    desk = run(triggering_user_name="dag_test")
    listener.on_dag_run_running(desk, "")
    listener.on_task_instance_running(None, instance(dag_run=desk))
    assert ledger.runs("rates", since=0.0) == []
    assert states(ledger) == []


def test_strange_things_are_one_warning_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    listener.on_dag_run_running(SimpleNamespace(), "")
    listener.on_task_instance_running(None, SimpleNamespace())
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_missing_ledger_is_one_warning_line_that_says_what_to_do(
    tmp_path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", f"sqlite:///{tmp_path}/none.db")
    teller = Teller(listener._open_ledger)
    for _ in range(3):
        teller.tell(lambda ledger: ledger.tell_task("rates", "r1", "fetch", -1, state="running", try_number=1))
    (record,) = caplog.records
    assert "there is no file" in record.getMessage()


class Silent:
    """A ledger that can be made silent."""

    def __init__(self) -> None:
        self.up, self.asked, self.time = True, 0, 0.0
        self.told: list[int] = []

    def word(self, number: int) -> Any:
        def say(_: object) -> None:
            self.asked += 1
            if not self.up:
                raise LedgerUnavailable("down")
            if number < 0:
                raise ValueError("cannot be told")
            self.told.append(number)

        return say

    def teller(self) -> Teller:
        return Teller(lambda: None, lambda: self.time)  # type: ignore[arg-type,return-value]


def test_ledger_that_is_down_is_asked_once_and_told_later_in_order() -> None:
    ledger = Silent()
    teller = ledger.teller()
    ledger.up = False
    for number in (1, 2, 3):
        teller.tell(ledger.word(number))
    assert ledger.asked == 1
    ledger.up, ledger.time = True, QUIET_SECONDS + 1
    teller.tell(ledger.word(4))
    assert ledger.told == [1, 2, 3, 4]


def test_what_cannot_be_told_does_not_stand_in_the_way() -> None:
    ledger = Silent()
    teller = ledger.teller()
    teller.tell(ledger.word(-1))
    teller.tell(ledger.word(1))
    assert ledger.told == [1]


def test_only_so_much_is_remembered() -> None:
    ledger = Silent()
    teller = ledger.teller()
    ledger.up = False
    for number in range(KEPT + 5):
        teller.tell(ledger.word(number))
    ledger.up, ledger.time = True, QUIET_SECONDS + 1
    teller.tell(ledger.word(-2))
    assert ledger.told == list(range(6, KEPT + 5))


def test_server_that_stands_still_is_given_up_and_the_task_goes_on(
    postgres: DatabaseServer,
    postgres_ledger_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_LEDGER_URL", postgres_ledger_url)
    teller = Teller(listener._open_ledger)
    blocker = Observations(postgres_ledger_url)
    with blocker.engine.begin() as connection:
        connection.execute(text("LOCK TABLE task_runs IN ACCESS EXCLUSIVE MODE"))
        teller.tell(lambda ledger: ledger.tell_task("rates", "r1", "fetch", -1, state="running", try_number=1))
    assert "the ledger was not told" in caplog.text
