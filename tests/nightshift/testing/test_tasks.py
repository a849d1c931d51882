"""One operator, run by Airflow's own task runner with nothing around it."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import (
    DAG,
    Asset,
    BaseOperator,
    Connection,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    Variable,
    task,
)
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from nightshift.testing import House, run_operator

log = logging.getLogger("author")


class Greet(BaseOperator):
    template_fields = ("whom",)

    def __init__(self, *, whom="{{ partition_key }}", **arguments):
        super().__init__(**arguments)
        self.whom = whom

    def execute(self, context):
        log.info("greeting %s", self.whom)
        self.log.info("by %s", self.task_id)
        return {"greeted": self.whom, "try": context["ti"].try_number}


class Joins(Greet):
    def execute(self, context):
        return " and ".join(self.whom)


class Raises(BaseOperator):
    def __init__(self, *, error, **arguments):
        super().__init__(**arguments)
        self.error = error

    def execute(self, context):
        raise self.error


def test_templates_are_rendered_and_the_result_is_an_xcom():
    ran = run_operator(Greet(task_id="greet"), partition_key="2013-11-19")
    assert (ran.state, ran.result) == ("success", {"greeted": "2013-11-19", "try": 1})
    assert ran.xcoms == {"return_value": ran.result}


def test_what_is_logged_is_kept():
    for _ in range(2):
        said = run_operator(Greet(task_id="greet"), partition_key="2013-11-19").log
        assert [said.count(line) for line in ("INFO greeting 2013-11-19", "INFO by greet")] == [1, 1]


def test_a_task_function_is_an_operator_too():
    @task
    def double(number):
        return 2 * number

    with DAG("numbers", schedule=None):
        doubled = double(21)
    assert run_operator(doubled).result == 42


def test_what_other_tasks_returned_is_given():
    with DAG("chain", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)):
        first = Greet(task_id="first")
        second = Greet(task_id="second", whom=first.output)
    assert run_operator(second, xcoms={"first": {"answer": 42}}).result["greeted"] == {"answer": 42}


def test_an_instance_of_a_mapped_operator_gets_its_part():
    with DAG("mapped", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)):
        first = Greet(task_id="first")
        each = Greet.partial(task_id="each", map_index_template="{{ task.whom }}").expand(whom=first.output)
        last = Joins(task_id="last", whom=each.output)
    ran = run_operator(each, xcoms={"first": ["anna", "ben"]}, map_index=1)
    assert (ran.name, ran.result["greeted"], ran.map_label) == ("each[1]", "ben", "ben")
    assert run_operator(last, xcoms={"each": ["x", "y"]}).result == "x and y"


@pytest.mark.parametrize(
    ("error", "tries", "state"),
    [
        (ValueError("broken"), 1, "up_for_retry"),
        (ValueError("broken"), 3, "failed"),
        (AirflowFailException("for good"), 1, "failed"),
        (AirflowSkipException("nothing to do"), 1, "skipped"),
        (KeyError("policy says no"), 1, "failed"),
    ],
)
def test_a_failure_ends_as_airflow_would_end_it(error, tries, state):
    policy = ExceptionRetryPolicy(rules=[RetryRule(exception=["builtins.KeyError"], action=RetryAction.FAIL)])
    ran = run_operator(Raises(task_id="raises", error=error, retries=2, retry_policy=policy), try_number=tries)
    assert ran.state == state


def test_a_failed_outcome_explains_itself():
    ran = run_operator(Raises(task_id="raises", error=ValueError("no such depot")))
    with pytest.raises(AssertionError, match=r"raises: failed, try 1\n  ValueError: no such depot"):
        ran.succeeded()


def test_variables_and_connections_come_from_the_test():
    class Asks(BaseOperator):
        def execute(self, context):
            door = Connection.get("shop")
            return [Variable.get("depot"), door.host, door.password, Variable.get("missing", default="none")]

    ran = run_operator(
        Asks(task_id="asks"), variables={"depot": "north"}, connections={"shop": "postgres://me:secret@db.example/shop"}
    )
    assert ran.result == ["north", "db.example", "secret", "none"]


def test_events_of_assets_are_told():
    ran = run_operator(Greet(task_id="greet", outlets=[Asset(name="greetings", uri="x://greetings")]))
    assert ran.assets == ("greetings",)


def test_a_run_with_a_date_has_the_date():
    ran = run_operator(Greet(task_id="greet", whom="{{ ds }}"), logical_date=datetime(2024, 5, 6, tzinfo=UTC))
    assert ran.result["greeted"] == "2024-05-06"


def test_parameters_are_those_the_run_was_triggered_with():
    with DAG("asked", schedule=None, params={"how": "often"}):
        greet = Greet(task_id="greet", whom="{{ params.how }}")
    assert run_operator(greet).result["greeted"] == "often"
    assert run_operator(greet, conf={"how": "once"}).result["greeted"] == "once"


def test_what_a_task_keeps_survives_its_tries():
    class Counts(BaseOperator):
        def execute(self, context):
            seen = context["task_state_store"].get("seen", default=0)
            context["task_state_store"].set("seen", seen + 1)
            if seen < 2:
                raise ValueError("again")
            return seen

    from nightshift.testing import run_dag

    with DAG("counting", schedule=None) as dag:
        Counts(task_id="counts", retries=2, retry_delay=timedelta(seconds=1))
    assert run_dag(dag).succeeded()["counts"].result == 2


def tasks_told(home):
    with sqlite3.connect(home / "ledger.db") as database:
        return [task for (task,) in database.execute("SELECT task_id FROM task_runs")]


def test_a_ledger_at_hand_is_not_told_of_a_test_but_that_of_a_house_is(tmp_path, migrated_file, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    (tmp_path / "ledger.db").write_bytes(migrated_file.read_bytes())
    run_operator(Greet(task_id="greet"))
    assert tasks_told(tmp_path) == []
    with House(tmp_path / "house") as house:
        run_operator(Greet(task_id="greet"))
        assert tasks_told(house.home) == ["greet"]
    assert tasks_told(tmp_path) == []


def test_what_is_no_operator_is_refused_in_words():
    with pytest.raises(TypeError, match="takes an operator, or what a @task function gave; got 'greet'"):
        run_operator("greet")


def test_a_question_without_an_answer_is_not_guessed():
    class Looks(BaseOperator):
        def execute(self, context):
            return context["ti"].get_dr_count("other")

    ran = run_operator(Looks(task_id="looks"))
    assert isinstance(ran.error, NotImplementedError)
    assert "a task asked Airflow for GetDRCount, which has no answer in memory" in str(ran.error)
