"""The DAG files: cheap to parse, wired as promised, documented, and ready for Airflow's database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dags.airflow_home import ROOT

HEAVY = (
    "mlflow",
    "great_expectations",
    "pandas",
    "numpy",
    "sklearn",
    "lightgbm",
    "pyarrow",
    "duckdb",
    "deltalake",
    "scipy",
    "matplotlib",
    "optuna",
    "pyspark",
)
FILES = sorted((ROOT / "dags").glob("*.py"))
SCORING = {
    "validate": {"plan", "publish", "monitor"},
    "plan": {"score"},
    "score": {"publish"},
    "publish": {"monitor"},
    "monitor": set(),
}
TRAINING = {
    "validate": {"train", "evaluate"},
    "train": {"evaluate", "register"},
    "evaluate": {"register", "promote"},
    "register": {"promote"},
    "promote": set(),
}
HAND_DRAWN = '''"""# By hand

Our operators beside an ordinary task.
"""
from datetime import datetime

from airflow.sdk import DAG, task

from nightshift import MonitorOperator, PlanShardsOperator, PublishOperator, ScoreOperator, ValidateOperator
from pipelines.flights import flights

with DAG("by_hand", schedule=None, start_date=datetime(2024, 1, 1), doc_md=__doc__, default_args={"owner": "us"}):

    @task
    def wait_for_rows() -> str:
        return "2013-11-19"

    @task
    def tell(published: dict) -> None:
        print(published)

    night = wait_for_rows()
    checked = ValidateOperator(task_id="validate", pipeline=flights, night=night)
    plan = PlanShardsOperator(task_id="plan", pipeline="flights", checked=checked.output)
    score = ScoreOperator.partial(task_id="score", pipeline="flights").expand(shard=plan.output)
    publish = PublishOperator(task_id="publish", pipeline=flights, checked=checked.output, scored=score.output)
    publish >> MonitorOperator(task_id="monitor", pipeline=flights, checked=checked.output, published=publish.output)
    tell(publish.output)
'''


def load(folder: Path):
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(folder), bundle_path=folder)


@pytest.fixture(scope="session")
def all_dags():
    bag = load(ROOT / "dags")
    assert bag.import_errors == {}
    return bag.dags


@pytest.fixture(scope="session")
def dags(all_dags):
    return {dag_id: dag for dag_id, dag in all_dags.items() if dag_id.startswith("flights_")}


def edges(dag):
    return {task.task_id: task.downstream_task_ids for task in dag.tasks}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_parsing_a_dag_file_imports_nothing_heavy(file, tmp_path):
    code = (
        "import json, runpy, sys; runpy.run_path(sys.argv[1]); "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT}/plugins", "AIRFLOW_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    imported = json.loads(done.stdout.splitlines()[-1])
    assert "nightshift" in imported
    assert not set(HEAVY) & set(imported)


def test_flights_have_their_scoring_and_their_training(dags):
    assert set(dags) == {"flights_scoring", "flights_training"}


def test_every_dag_of_this_repository_has_an_owner_a_page_and_our_tag(all_dags):
    for dag in all_dags.values():
        assert not {"", "airflow"} & {task.owner for task in dag.tasks}, (
            f"{dag.dag_id}: say who answers for it (owner=)"
        )
        assert dag.doc_md, f"{dag.dag_id}: say what it does and what to do if it fails (doc_md=__doc__)"
        assert "nightshift" in dag.tags, f"{dag.dag_id}: tag it nightshift"


@pytest.mark.parametrize(("dag_id", "expected"), [("flights_scoring", SCORING), ("flights_training", TRAINING)])
def test_tasks_follow_each_other_as_promised(dags, dag_id, expected):
    assert edges(dags[dag_id]) == expected


def test_shards_are_scored_by_mapped_tasks(dags):
    assert dags["flights_scoring"].task_dict["score"].is_mapped


def test_every_dag_says_whose_it_is_what_it_does_and_what_to_do_if_it_fails(dags):
    for dag in dags.values():
        assert {task.owner for task in dag.tasks} == {"flight-science"}
        assert "**If a night fails:**" in dag.doc_md
        assert {"nightshift", "flights"} < set(dag.tags)
        assert dag.description.endswith("?")


def test_nights_are_partitions_and_the_past_is_not_caught_up_by_surprise(dags):
    for dag in dags.values():
        assert type(dag.timetable).__name__ == "CronPartitionTimetable"
        assert dag.catchup is False


def test_every_task_is_tried_again_by_our_rules(dags):
    for dag in dags.values():
        for task in dag.tasks:
            made = task.unmap({"shard": {"number": 0, "of": 1}}) if task.is_mapped else task
            assert [rule.action.value for rule in made.retry_policy.rules] == ["retry", "fail"]
            assert made.retries == 3


def test_publication_and_promotion_emit_asset_events(dags):
    (published,) = dags["flights_scoring"].task_dict["publish"].outlets
    (promoted,) = dags["flights_training"].task_dict["promote"].outlets
    assert (published.name, published.uri) == ("flights_predictions", "nightshift://flights/predictions")
    assert (promoted.name, promoted.uri) == ("flights_champion", "nightshift://flights/champion")


def test_dags_can_be_stored_in_airflow_s_database(dags):
    from airflow.serialization.definitions.dag import SerializedDAG
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in dags.values():
        stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        again = DagSerialization.from_dict(stored)
        assert isinstance(again, SerializedDAG)
        assert edges(again) == edges(dag)


def test_a_dag_drawn_by_hand_with_our_operators_beside_ordinary_tasks_parses(tmp_path):
    (tmp_path / "by_hand.py").write_text(HAND_DRAWN)
    bag = load(tmp_path)
    assert bag.import_errors == {}
    assert edges(bag.dags["by_hand"]) == {
        "wait_for_rows": {"validate"},
        **{name: set(after) for name, after in SCORING.items()},
        "publish": {"monitor", "tell"},
        "tell": set(),
    }


def test_a_training_can_ask_a_person_before_it_promotes():
    from nightshift import training_dag
    from pipelines.flights import flights

    dag = training_dag(flights, schedule="0 4 * * MON", owner="us", approve=True)
    assert edges(dag) == {
        **TRAINING,
        "evaluate": {"register", "promote", "approve"},
        "register": {"promote", "approve"},
        "approve": {"promote"},
    }


def test_arguments_of_airflow_s_own_dag_win():
    from nightshift import scoring_dag
    from pipelines.flights import flights

    dag = scoring_dag(
        flights, schedule="0 2 * * *", owner="us", tags=["mine"], max_active_runs=1, default_args={"retries": 7}
    )
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert "mine" in dag.tags
    assert {task.retries for task in dag.tasks} == {7}
