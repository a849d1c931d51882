"""The maintenance DAG removes nothing that nobody asked for."""

from __future__ import annotations

import json

import pytest

from nightshift import maintenance_dag
from pipelines.engine.errors import UsageError
from pipelines.flights import flights
from tests.dags.airflow_home import ROOT


@pytest.fixture(scope="module")
def dag():
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags" / "maintenance.py"), bundle_path=ROOT / "dags")
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    return dag


def test_it_is_weekly_starts_paused_and_only_reports(dag):
    assert dag.dag_id == "nightshift_maintenance"
    assert dag.timetable.expression == "0 12 * * SUN"
    assert dag.is_paused_upon_creation is True
    assert (dag.params["apply"], dag.params["retention"]) == (False, "30d")
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    assert "only reports" in dag.doc_md


def test_the_trigger_form_decides(dag):
    (task,) = dag.tasks
    assert (task.apply, task.retention) == ("{{ params.apply }}", "{{ params.retention }}")
    assert [rule.action.value for rule in task.retry_policy.rules] == ["retry", "fail"]


def test_a_pipeline_can_have_one_of_its_own_that_removes():
    made = maintenance_dag(
        flights, owner="us", apply=True, retention="6w", schedule="@weekly", tags=["mine"], catchup=False
    )
    (task,) = made.tasks
    assert (made.dag_id, task.pipeline, task.owner) == ("flights_maintenance", "flights", "us")
    assert (made.params["apply"], made.params["retention"]) == (True, "6w")
    assert set(made.tags) == {"nightshift", "maintenance", "flights", "mine"}


def test_a_retention_that_cannot_be_safe_is_refused_where_it_is_written():
    with pytest.raises(UsageError, match="expected at least 7d"):
        maintenance_dag(owner="us", retention="1d")


def test_it_can_be_stored_in_airflow_s_database(dag):
    from airflow.serialization.serialized_objects import DagSerialization

    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    assert DagSerialization.from_dict(stored).params["apply"] is False
