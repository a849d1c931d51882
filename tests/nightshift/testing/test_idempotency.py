"""`assert_idempotent` finds what is not, and says what came twice."""

from __future__ import annotations

import json
import sqlite3
import uuid
from datetime import timedelta

import pytest
from airflow.sdk import DAG, BaseOperator

from nightshift import ValidateOperator, scoring_dag
from nightshift.operators.base import StepOperator
from nightshift.testing import NotIdempotent, assert_idempotent
from pipelines.engine.errors import UsageError
from pipelines.engine.keys import TaskKey
from pipelines.engine.moments import reached
from tests.pipelines.engine.steps import tides

NIGHT = tides.NIGHTS[0]
RUN = {"partition_key": NIGHT}


class Writes(BaseOperator):
    """Does something to a file, each time it runs."""

    def __init__(self, *, path, how, **arguments):
        super().__init__(task_id="writes", **arguments)
        self.path, self.how = path, how

    def execute(self, context):
        return self.how(self.path)


def append_a_line(path):
    with path.open("a") as file:
        file.write("a night\n")


def insert_a_row(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY)")
        database.execute("INSERT INTO orders VALUES (?)", [uuid.uuid4().hex])


def a_new_name_each_time(path):
    path.with_name(f"{uuid.uuid4().hex}.json").write_text("{}")


def a_new_answer_each_time(path):
    return uuid.uuid4().hex


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (append_a_line, "the file report.txt was changed"),
        (insert_a_row, "the file report.txt was changed"),
        (a_new_name_each_time, r"the file [0-9a-f]{32}\.json appeared"),
        (a_new_answer_each_time, "writes returned '[0-9a-f]{32}' first, and '[0-9a-f]{32}' then"),
        (lambda path: path.unlink() if path.exists() else path.touch(), "the file report.txt is gone"),
    ],
)
def test_an_operator_that_does_it_again_is_found(house, how, said):
    with pytest.raises(NotIdempotent, match=f"Running it again, after it had succeeded, had effects:\n  - {said}"):
        assert_idempotent(Writes(path=house.home / "report.txt", how=how))


@pytest.mark.parametrize("how", [lambda path: path.write_text("a night"), lambda path: None])
def test_an_operator_that_is_idempotent_passes(house, how):
    assert assert_idempotent(Writes(path=house.home / "report.txt", how=how)).state == "success"


def test_folders_beside_the_house_are_looked_at(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    operator = Writes(path=outside / "report.txt", how=append_a_line)
    assert_idempotent(operator)  # nobody looks
    with pytest.raises(NotIdempotent, match=r"the file outside/report\.txt was changed"):
        assert_idempotent(operator, folders=[outside])


def test_the_world_outside_is_looked_at_with_a_probe():
    rows = []
    operator = Writes(path=None, how=lambda path: rows.append("row"))
    with pytest.raises(NotIdempotent, match="rows of the shop: 1 before, 2 now"):
        assert_idempotent(operator, watch={"rows of the shop": lambda: len(rows)})


def test_a_first_run_that_fails_is_no_proof():
    with pytest.raises(AssertionError, match="FileNotFoundError"):
        assert_idempotent(Writes(path=None, how=lambda path: open("/no/such/file")))  # noqa: PTH123, SIM115


class KeyOfTheHour(StepOperator):
    """Its key has the time in it, so that each run is other work."""

    def step(self, runtime, pipeline, context):
        key = TaskKey(pipeline=pipeline.name, step="count", partition=NIGHT, parameters={"at": runtime.ledger.now()})
        return runtime.run(key, lambda hold: {"rows": 300})


def test_a_key_that_is_never_the_same_is_found(tidal):
    with pytest.raises(
        NotIdempotent, match=r"the key of count 2024-03-06 is new \(\w{12}\): something that is the same"
    ):
        assert_idempotent(KeyOfTheHour(task_id="count", pipeline="tides"), **RUN)


class SendsBeforeItIsDone(StepOperator):
    """Right when nothing goes wrong: its effect is not tied to its key, so a retry after a kill has it twice."""

    def step(self, runtime, pipeline, context):
        def work(hold):
            with (runtime.settings.home / "outbox.txt").open("a") as outbox:
                outbox.write("the night is done\n")
            reached("committed")
            return {"sent": True}

        return runtime.run(TaskKey(pipeline=pipeline.name, step="send", partition=NIGHT), work)


def test_an_effect_that_comes_twice_only_after_a_kill_is_found_by_a_kill(tidal):
    operator = SendsBeforeItIsDone(task_id="send", pipeline="tides")
    assert_idempotent(operator, **RUN)
    (tidal.home / "outbox.txt").unlink()
    forget(tidal, "send")
    with pytest.raises(
        NotIdempotent, match=r"Killing it after 'committed' and trying again had effects:\n  - the file outbox"
    ):
        assert_idempotent(operator, kills=True, **RUN)


def test_an_effect_that_comes_twice_only_when_overtaken_is_found_by_an_overlap(tidal):
    operator = SendsBeforeItIsDone(task_id="send", pipeline="tides")
    with pytest.raises(
        NotIdempotent, match="Delivering it a second time after its lease had run out, when the first was at"
    ):
        assert_idempotent(operator, overlaps=True, **RUN)


def forget(house, step):
    for entry in house.ledger.entries(step=step):
        house.ledger.force(entry.key, holder="a test", reason="to do it again")


def test_our_own_operator_survives_everything(tidal):
    operator = ValidateOperator(task_id="validate", pipeline="tides", retries=3)
    ran = assert_idempotent(operator, kills=True, overlaps=True, **RUN)
    assert ran.result["rows_in"] == tides.PER_NIGHT


def test_a_whole_night_survives_a_kill_at_every_moment(tidal):
    dag = scoring_dag(tidal.pipeline("tides"), schedule="0 2 * * *", owner="us")
    ran = assert_idempotent(dag, kills=True, **RUN)
    assert ran["publish"].result["rows_scored"] == tides.PER_NIGHT
    assert tidal.predictions("tides", NIGHT)["buoy"].is_unique


def test_a_dag_with_one_bad_task_is_found(house):
    with DAG("mixed", schedule=None) as dag:
        Writes(path=house.home / "report.txt", how=append_a_line, retries=1, retry_delay=timedelta(0))
    with pytest.raises(NotIdempotent, match=r"the file report\.txt was changed"):
        assert_idempotent(dag)


def test_a_house_that_cannot_be_put_back_is_refused(house):
    operator = Writes(path=house.home / "x", how=lambda path: None)
    with pytest.raises(UsageError, match="what `watch` looks at cannot be put back"):
        assert_idempotent(operator, kills=True, watch={"x": lambda: 1})


def test_effects_are_told_shortly(house):
    long = json.dumps(["x" * 1000])
    values = iter([long, long + "y"])
    with pytest.raises(NotIdempotent) as caught:
        assert_idempotent(Writes(path=None, how=lambda path: next(values)))
    assert len(str(caught.value)) < 600
