"""The operators of a search: as Airflow's worker runs them, and drawn by the factory."""

from __future__ import annotations

import json

import pytest

from nightshift import ChooseTrialOperator, PlanTrialsOperator, TrainOperator, TrialOperator, ValidateTrainingOperator
from nightshift.factories import training_dag
from tests.nightshift.operators.worker import in_dag, run_task
from tests.pipelines.engine.steps import places, tides

STEPS = {
    "validate": {"plan_trials", "trial", "best", "train", "evaluate"},
    "plan_trials": {"trial"},
    "trial": {"best"},
    "best": {"train"},
    "train": {"evaluate", "register"},
    "evaluate": {"register", "promote"},
    "register": {"promote"},
    "promote": set(),
}


def run_operators():
    checked = run_task(in_dag(ValidateTrainingOperator)).result
    planned = run_task(in_dag(PlanTrialsOperator)).result
    tried = [run_task(in_dag(TrialOperator, checked=checked, trial=trial)) for trial in planned]
    best = run_task(in_dag(ChooseTrialOperator, checked=checked, trials=[one.result for one in tried]))
    return tried, best, run_task(in_dag(TrainOperator, checked=checked, best=best.result))


def test_a_search_of_operators_gives_the_training_its_knobs_and_cleared_tasks_do_nothing_anew(fresh, at):
    place = at(fresh.changed(tides.searched(trials=3)))
    tried, best, trained = run_operators()
    assert [one.state for one in (*tried, best, trained)] == ["success"] * 5
    assert [one.result["number"] for one in tried] == [0, 1, 2]
    assert trained.result["search"]["params"] == best.result["params"]
    assert tried[1].links["KeyLink"] == f"/nightshift/keys/{tried[1].result['key']}"
    since = place.ledger.now()
    again = run_operators()
    assert [one.result for one in again[0]] == [one.result for one in tried]
    assert again[2].result == trained.result
    assert place.ledger.claims_since(since) == 0


def test_trials_of_a_pipeline_without_a_search_fail_with_a_sentence(fresh, at):
    at(fresh)
    ran = run_task(in_dag(PlanTrialsOperator))
    assert ran.state == "failed"
    assert "pipeline 'tides' declares no search" in str(ran.error)


@pytest.fixture(scope="module")
def dag():
    with places.known_suites():
        return training_dag(tides.searched(parallel=3), schedule="0 4 * * MON", owner="us", doc_md="# Tides")


def test_a_search_comes_before_the_training_and_a_few_trials_run_at_once(dag):
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == STEPS
    assert dag.task_dict["trial"].is_mapped
    assert dag.task_dict["trial"].partial_kwargs["max_active_tis_per_dagrun"] == 3


def test_a_dag_with_a_search_can_be_stored_in_airflow_s_database(dag):
    from airflow.serialization.serialized_objects import DagSerialization

    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert {task.task_id: task.downstream_task_ids for task in again.tasks} == STEPS


def test_a_dag_with_a_search_is_declared_to_the_watch_as_a_training(dag):
    from nightshift.declared import declaration_of

    declaration = declaration_of(dag)
    assert (declaration.kind, declaration.pipeline) == ("training", "tides")
    assert [task.task_id for task in declaration.tasks if task.mapped] == ["trial"]
