"""The operators of a training, run as Airflow's worker runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from nightshift import EvaluateOperator, PromoteOperator, RegisterOperator, TrainOperator, ValidateTrainingOperator
from nightshift.operators.training import ApproveOperator
from pipelines.engine.pipeline import Gate
from tests.nightshift.operators.worker import in_dag, run_task
from tests.pipelines.engine.steps import places, tides


def run_operators():
    checked = run_task(in_dag(ValidateTrainingOperator))
    trained = run_task(in_dag(TrainOperator, checked=checked.result))
    judged = run_task(in_dag(EvaluateOperator, checked=checked.result, trained=trained.result))
    registered = run_task(in_dag(RegisterOperator, trained=trained.result, judged=judged.result))
    promoted = run_task(in_dag(PromoteOperator, registered=registered.result, judged=judged.result))
    return checked, trained, judged, registered, promoted


def test_a_training_of_operators_makes_a_champion(fresh, at):
    at(fresh)
    ran = run_operators()
    assert [one.state for one in ran] == ["success"] * 5
    assert places.champion(fresh) == ran[-1].result["version"] == "1"
    assert all(one.links["KeyLink"] == f"/nightshift/keys/{one.result['key']}" for one in ran)
    report = ran[0].links["ReportLink"].removeprefix("/nightshift/reports/")
    assert (Path(fresh.settings.reports) / report).is_file()
    card = ran[3].links["CardLink"].removeprefix("/nightshift/reports/")
    assert "tides, version 1" in (Path(fresh.settings.reports) / card).read_text()


def test_training_tasks_that_are_cleared_make_nothing_anew(fresh, at):
    at(fresh)
    first = run_operators()
    since = fresh.ledger.now()
    assert [one.result for one in run_operators()] == [one.result for one in first]
    assert fresh.ledger.claims_since(since) == 0


def test_a_closed_gate_skips_the_promotion_with_the_reason(fresh, at):
    at(fresh.declared(gate=Gate(metric="roc_auc", threshold=0.999)))
    *_, registered, promoted = run_operators()
    assert registered.state == "success"
    assert promoted.state == "skipped"
    assert promoted.links["KeyLink"].startswith("/nightshift/keys/")
    assert places.champion(fresh) is None


def test_a_closed_gate_asks_nobody(fresh, at):
    at(fresh)
    judged = {"opened": False, "reasons": ["roc_auc 0.5000, at least 0.9990 is needed"]}
    approve = ApproveOperator(task_id="approve", judged=judged, subject="Make it champion?")
    with pytest.raises(AirflowSkipException, match="the gate is closed, so nobody is asked"):
        approve.execute({})


def test_a_training_run_without_partition_key_fails_with_a_sentence(fresh, at):
    at(fresh)
    ran = run_task(in_dag(ValidateTrainingOperator), partition_key=None)
    assert ran.state == "failed"
    assert "has no partition key, so there is no night to train as of to work on" in str(ran.error)


def test_a_champion_that_moved_meanwhile_fails_without_retry(fresh, at):
    at(fresh.declared(fit=tides.fit_linear))
    checked = run_task(in_dag(ValidateTrainingOperator))
    trained = run_task(in_dag(TrainOperator, checked=checked.result))
    judged = run_task(in_dag(EvaluateOperator, checked=checked.result, trained=trained.result))
    registered = run_task(in_dag(RegisterOperator, trained=trained.result, judged=judged.result))
    places.run_training(fresh)
    ran = run_task(in_dag(PromoteOperator, registered=registered.result, judged=judged.result))
    assert (ran.state, type(ran.error).__name__) == ("failed", "AliasMoved")
    assert places.champion(fresh) == "2"
