"""A whole DAG in this process: order, mapping, branches, retries, triggers, and a file on disk."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator, TriggerRule, task, task_group
from airflow.sdk.exceptions import AirflowSkipException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from nightshift.testing import load_dags, run_dag
from pipelines.engine.errors import DeclarationError, UsageError

START = datetime(2024, 1, 1, tzinfo=UTC)
FILE = """
from airflow.sdk import DAG, task
from beside import NUMBERS

with DAG("sums", schedule=None):

    @task
    def numbers():
        return NUMBERS

    @task
    def double(number):
        return 2 * number

    @task
    def add(doubled):
        return sum(doubled)

    add(double.expand(number=numbers()))

other = DAG("nothing", schedule=None)
"""


class Nap(BaseTrigger):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def serialize(self):
        return f"{__name__}.Nap", {"seconds": self.seconds}

    async def run(self):
        import asyncio

        await asyncio.sleep(self.seconds)
        yield TriggerEvent({"slept": self.seconds})


class Sleeper(BaseOperator):
    def __init__(self, *, seconds, limit=None, **arguments):
        super().__init__(**arguments)
        self.seconds, self.limit = seconds, limit

    def execute(self, context):
        context["ti"].xcom_push("asleep", True)
        self.defer(trigger=Nap(self.seconds), method_name="awake", kwargs={"bed": "soft"}, timeout=self.limit)

    def awake(self, context, event, bed):
        return {**event, "bed": bed}


@pytest.fixture(autouse=True)
def _trigger_can_be_imported(monkeypatch):
    """Airflow makes a trigger again from its dotted path, which a test module imported by its file has not."""
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or __import__(__name__))


def counting(fails, **arguments):
    tries = []

    @task(**arguments)
    def flaky():
        tries.append(len(tries))
        if len(tries) <= fails:
            raise ValueError(f"try {len(tries)}")
        return len(tries)

    return flaky


def test_a_dag_file_is_run_by_its_path(tmp_path):
    (tmp_path / "sums.py").write_text(FILE)
    (tmp_path / "beside.py").write_text("NUMBERS = [1, 2, 3]\n")
    ran = run_dag(tmp_path / "sums.py", dag_id="sums").succeeded()
    assert [one.result for one in ran.mapped("double")] == [2, 4, 6]
    assert ran["add"].result == 12
    assert ran.states == {"numbers": "success", "double": "success", "add": "success"}


def test_several_dags_in_a_file_are_told_apart(tmp_path):
    (tmp_path / "sums.py").write_text(FILE)
    (tmp_path / "beside.py").write_text("NUMBERS = []\n")
    assert set(load_dags(tmp_path / "sums.py")) == {"sums", "nothing"}
    with pytest.raises(UsageError, match="has 2 DAGs; say which one with dag_id=: nothing, sums"):
        run_dag(tmp_path / "sums.py")
    with pytest.raises(UsageError, match=r"has no DAG 'sum'; it has: nothing, sums\. Did you mean 'sums'"):
        run_dag(tmp_path / "sums.py", dag_id="sum")


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "sums.py").write_text(FILE)
    with pytest.raises(UsageError, match=r"there is no DAG file .*sum.py. Did you mean 'sums.py'"):
        run_dag(tmp_path / "sum.py")


def test_a_file_without_dags_is_refused(tmp_path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(UsageError, match="declares no DAG"):
        load_dags(tmp_path / "empty.py")


def test_a_promise_that_does_not_fit_is_refused_as_airflow_would(tmp_path):
    text = "from airflow.sdk import DAG\nfrom nightshift import promise\n"
    promise = 'promise(finish_by="06:00", timezone="UTC")'
    (tmp_path / "late.py").write_text(f'{text}dag = DAG("late", schedule=None, deadline={promise})\n')
    with pytest.raises(DeclarationError, match="finish_by"):
        load_dags(tmp_path / "late.py")


def test_what_follows_a_failure_is_not_run():
    with DAG("failing", schedule=None) as dag:
        first = counting(9, retries=0)()
        second = counting(0)()
        first >> second
        second >> counting(0, task_id="clean_up", trigger_rule=TriggerRule.ALL_DONE)()
    ran = run_dag(dag)
    assert ran.states == {"flaky": "failed", "flaky__1": "upstream_failed", "clean_up": "success"}
    assert ran.state == "success"  # by its last task, as Airflow has it
    assert "ValueError: try 1" in ran.explain()


def test_a_run_whose_last_task_failed_has_failed():
    with DAG("failing", schedule=None) as dag:
        counting(9, retries=0)()
    with pytest.raises(AssertionError, match="failing: failed\nflaky: failed"):
        run_dag(dag).succeeded()


def test_a_skip_is_passed_on_to_what_needs_it():
    @task
    def nothing_to_do():
        raise AirflowSkipException("no rows tonight")

    with DAG("skipping", schedule=None) as dag:
        skipped = nothing_to_do()
        skipped >> counting(0)()
        skipped >> counting(0, task_id="anyway", trigger_rule=TriggerRule.NONE_FAILED)()
    assert run_dag(dag).states == {"nothing_to_do": "skipped", "flaky": "skipped", "anyway": "success"}


def test_a_branch_skips_the_other_side():
    @task.branch
    def choose():
        return "left"

    with DAG("branching", schedule=None) as dag:
        choose() >> [counting(0, task_id="left")(), counting(0, task_id="right")()]
    assert run_dag(dag).states == {"choose": "success", "left": "success", "right": "skipped"}


def test_retries_follow_their_delays_on_the_clock_and_do_not_wait(house):
    with DAG("retrying", schedule=None) as dag:
        counting(2, retries=3, retry_delay=timedelta(minutes=10), retry_exponential_backoff=2.0)()
    began, before = time.monotonic(), house.clock.seconds()
    ran = run_dag(dag).succeeded()["flaky"]
    assert (ran.result, ran.try_number, ran.waited) == (3, 3, 600 + 1200)
    assert house.clock.seconds() - before == pytest.approx(1800, abs=60)
    assert time.monotonic() - began < 60


def test_a_task_that_never_succeeds_fails_after_its_last_try():
    with DAG("retrying", schedule=None) as dag:
        counting(9, retries=2)()
    ran = run_dag(dag)["flaky"]
    assert (ran.state, ran.try_number, str(ran.error)) == ("failed", 3, "try 3")


def test_a_trigger_runs_in_this_process_and_its_wait_passes_at_once(house):
    with DAG("sleeping", schedule=None) as dag:
        Sleeper(task_id="sleeper", seconds=3600)
    ran = run_dag(dag).succeeded()["sleeper"]
    assert ran.result == {"slept": 3600, "bed": "soft"}
    assert ran.xcoms["asleep"] is True
    assert ran.waited == house.clock.passed == 3600


def test_a_trigger_that_takes_longer_than_its_limit_fails_the_task():
    with DAG("sleeping", schedule=None) as dag:
        Sleeper(task_id="sleeper", seconds=3600, limit=timedelta(minutes=1))
    ran = run_dag(dag)["sleeper"]
    assert (ran.state, type(ran.error).__name__) == ("failed", "TaskDeferralTimeout")


def test_a_trigger_that_waits_for_ever_is_said_to(house):
    with DAG("sleeping", schedule=None) as dag:
        Sleeper(task_id="sleeper", seconds=40 * 86400)
    with pytest.raises(UsageError, match="waited 30 days of the clock, and nothing happened"):
        run_dag(dag)


def test_a_sensor_pokes_on_the_clock(house):
    class Waits(BaseSensorOperator):
        def poke(self, context):
            return house.clock.passed > 200

    with DAG("poking", schedule=None) as dag:
        Waits(task_id="waits", mode="reschedule", poke_interval=60)
    assert run_dag(dag).succeeded()["waits"].waited == 240


def test_mapping_over_two_things_is_every_pair():
    @task
    def pair(one, other):
        return [one, other]

    @task
    def letters():
        return ["a", "b"]

    with DAG("pairs", schedule=None) as dag:
        pair.expand(one=[1, 2, 3], other=letters())
    assert [one.result for one in run_dag(dag).succeeded().mapped("pair")] == [
        [number, letter] for number in (1, 2, 3) for letter in ("a", "b")
    ]


def test_mapping_over_arguments_and_over_what_was_mapped():
    @task
    def calls():
        return [{"number": 1, "by": 10}, {"number": 2, "by": 100}]

    @task
    def times(number, by):
        return number * by

    @task
    def plus_one(number):
        return number + 1

    with DAG("calls", schedule=None) as dag:
        plus_one.expand(number=times.expand_kwargs(calls()))
    assert [one.result for one in run_dag(dag).succeeded().mapped("plus_one")] == [11, 201]


def test_nothing_to_map_over_is_skipped():
    with DAG("empty", schedule=None) as dag:

        @task
        def none():
            return []

        @task
        def each(one):
            return one

        each.expand(one=none())
    assert run_dag(dag).states == {"none": "success", "each": "skipped"}


def test_a_task_can_be_replaced_by_what_it_returns():
    with DAG("replaced", schedule=None) as dag:

        @task
        def ask_the_world():
            raise AssertionError("the world was asked")

        @task
        def use(answer):
            return answer["number"] + 1

        use(ask_the_world())
    ran = run_dag(dag, instead={"ask_the_world": {"number": 1}}).succeeded()
    assert ran["use"].result == 2
    assert ran["ask_the_world"].log == ("INFO not run: the test says what it returns",)


def test_a_wrong_task_id_names_the_nearest():
    with DAG("ids", schedule=None) as dag:
        counting(0)()
    with pytest.raises(UsageError, match=r"ids has no task 'flacky'\. Did you mean 'flaky'"):
        run_dag(dag, instead={"flacky": 1})
    with pytest.raises(UsageError, match=r"ids has no task 'flacky'; it has: flaky\. Did you mean 'flaky'"):
        run_dag(dag)["flacky"]


@pytest.mark.parametrize(("answer", "then"), [("Approve", "success"), ("Reject", "skipped")])
def test_a_person_answers_as_the_test_says(answer, then):
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    with DAG("asking", schedule=None) as dag:
        ApprovalOperator(task_id="approve", subject="Really?") >> counting(0)()
    assert run_dag(dag)["approve"].state == "awaiting_input"
    assert run_dag(dag, answers={"approve": answer}).states == {"approve": "success", "flaky": then}


def test_a_mapped_group_is_refused_in_words():
    @task_group
    def group(number):
        counting(0)()

    with DAG("grouped", schedule=None) as dag:
        group.expand(number=[1, 2])
    with pytest.raises(UsageError, match="lies in a mapped task group, which is not run in memory"):
        run_dag(dag)
