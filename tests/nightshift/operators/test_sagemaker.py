"""Training on SageMaker: through Airflow's worker, a real ledger, the provider's hook, HTTP, and moto."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from nightshift import SageMakerTrainOperator
from nightshift.triggers import CloudJobTrigger
from pipelines.engine.errors import DeclarationError
from pipelines.engine.moments import listening
from tests.nightshift.operators import cloud_worker
from tests.nightshift.operators.cloud_worker import CONFIG, NIGHT, OPERATORS, ours
from tests.nightshift.operators.sagemaker_server import REGION, SageMakerServer, lose_the_reply
from tests.nightshift.operators.worker import run_task
from tests.pipelines.engine.ledgers import Inside

OLD_JOB = "tides-training-by-hand"


@pytest.fixture
def cloud(monkeypatch):
    with SageMakerServer() as server:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", server.connection)
        yield server


@pytest.fixture
def here(fresh, at):
    return at(fresh)


def key_of(place):
    (entry,) = place.ledger.entries(step="train_sagemaker")
    return entry


def history(place):
    return [event.event for event in place.ledger.history(key_of(place).key)]


def only_job(cloud):
    (name,) = cloud.jobs
    return name


async def fired(trigger):
    async for event in trigger.run():
        return event.payload
    return None


def wait_for(ran):
    """Run the trigger that a deferred task waits for, made again from what Airflow stores, and return its event."""
    assert ran.state == "deferred", ran.error
    assert ran.message.classpath == "nightshift.triggers.CloudJobTrigger"
    return asyncio.run(asyncio.wait_for(fired(CloudJobTrigger(**ran.message.trigger_kwargs)), 20))


def train(cloud, **arguments):
    """Submit, let the job end well, and go on."""
    waiting = run_task(ours(**arguments))
    cloud.end(
        only_job(cloud), training_end_time=cloud.jobs[only_job(cloud)].training_start_time + timedelta(seconds=90)
    )
    return run_task(ours(**arguments), resumed_by=wait_for(waiting))


def test_job_is_named_by_its_key_and_its_outcome_is_the_result(cloud, here):
    ran = train(cloud)
    assert ran.state == "success", ran.error
    key = key_of(here)
    assert only_job(cloud) == f"nightshift-tides-{key.key[:24]}-g1"
    assert ran.result == {
        "job": only_job(cloud),
        "console": f"https://{REGION}.console.aws.amazon.com/sagemaker/home?region={REGION}#/jobs/{only_job(cloud)}",
        "resource": f"arn:aws:sagemaker:{REGION}:123456789012:training-job/{only_job(cloud)}",
        "model": f"s3://models/tides/{only_job(cloud)}/output/model.tar.gz",
        "metrics": {"train:progress": 100.0},
        "billable_seconds": 180,
        "key": key.key,
    }
    assert (key.state, key.partition, key.generation) == ("done", NIGHT, 1)
    assert ran.links["JobLink"] == ran.result["console"]
    assert ran.links["KeyLink"] == f"/nightshift/keys/{key.key}"


def test_job_is_linked_and_its_key_is_free_while_it_is_waited_for(cloud, here):
    ran = run_task(ours())
    assert ran.links["JobLink"].endswith(only_job(cloud))
    entry = key_of(here)
    assert (entry.state, entry.generation) == ("open", 1)
    assert f"waiting for job {only_job(cloud)}" in entry.error


def test_finished_job_is_answered_from_the_ledger_without_asking_the_cloud(cloud, here):
    first = train(cloud)
    cloud.asked.clear()
    again = run_task(ours())
    assert (again.state, again.result) == ("success", first.result)
    assert cloud.asked == []


def run_again(place, whose):
    """Run the task as Airflow's retry does; whoever holds the key is dead, so its lease is over."""
    for entry in place.ledger.entries(step="train_sagemaker"):
        with Inside(place.settings.ledger_url) as door:
            door.end_lease(entry.key)
    return run_task(OPERATORS[whose]())


@pytest.mark.parametrize(("whose", "jobs"), [("theirs", 2), ("ours", 1)])
def test_worker_killed_after_submitting_pays_twice_with_the_provider_s_operator_and_once_with_ours(
    cloud, here, whose, jobs
):
    command = [sys.executable, cloud_worker.__file__, whose]
    environment = {**here.environment(), "AIRFLOW_CONN_AWS_DEFAULT": os.environ["AIRFLOW_CONN_AWS_DEFAULT"]}
    worker = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    cloud.after["CreateTrainingJob"] = lambda: os.kill(worker.pid, signal.SIGKILL)
    _, errors = worker.communicate(timeout=120)
    assert worker.returncode == -signal.SIGKILL, errors[-2000:]
    assert len(cloud.jobs) == 1

    ran = run_again(here, whose)
    assert ran.state == "deferred", ran.error
    assert len(cloud.jobs) == jobs


@pytest.mark.parametrize(("whose", "jobs"), [("theirs", 2), ("ours", 1)])
def test_lost_reply_pays_twice_with_the_provider_s_operator_and_once_with_ours(cloud, here, whose, jobs):
    cloud.after["CreateTrainingJob"] = lose_the_reply
    assert run_task(OPERATORS[whose]()).state == "up_for_retry"
    assert run_again(here, whose).state == "deferred"
    assert len(cloud.jobs) == jobs


def test_retry_after_a_lost_reply_adopts_the_job_and_finishes_it_under_the_same_generation(cloud, here, caplog):
    cloud.after["CreateTrainingJob"] = lose_the_reply
    lost = run_task(ours())
    assert (lost.state, type(lost.error).__name__) == ("up_for_retry", "CloudUnavailable")
    with caplog.at_level(logging.INFO):
        ran = train(cloud)
    assert f"adopted job {only_job(cloud)}, submitted earlier" in caplog.text
    assert (ran.state, key_of(here).generation) == ("success", 1)
    assert cloud.asked.count("CreateTrainingJob") == 1


def test_two_who_submit_at_once_wait_for_one_job(cloud, here, caplog):
    """The first is stopped between its look and its submission; the second takes over, submits, and waits."""
    seconds = []

    def overtake(moment):
        if moment == "may submit" and not seconds:
            seconds.append(None)
            seconds.append(run_again(here, "ours"))

    with listening(overtake), caplog.at_level(logging.INFO):
        first = run_task(ours())
    assert (first.state, seconds[1].state) == ("deferred", "deferred")
    assert first.message.trigger_kwargs["job_id"] == seconds[1].message.trigger_kwargs["job_id"] == only_job(cloud)
    assert f"adopted job {only_job(cloud)}: it was there when it was to be submitted" in caplog.text
    assert cloud.asked.count("CreateTrainingJob") == 2

    cloud.end(only_job(cloud))
    results = [run_task(ours(), resumed_by=wait_for(one)).result for one in (first, seconds[1])]
    assert results[0] == results[1]
    assert history(here).count("finished") == 1


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_failed_job_is_told_in_words_and_replaced_by_the_next_generation_only(cloud, here, status):
    waiting = run_task(ours())
    failed = only_job(cloud)
    cloud.end(failed, status, failure_reason="AlgorithmError: no tides on the moon")
    ran = run_task(ours(), resumed_by=wait_for(waiting))
    assert (ran.state, type(ran.error).__name__) == ("up_for_retry", "JobFailed")
    said = str(ran.error)
    assert f"job {failed} ended as {status}: AlgorithmError: no tides on the moon" in said
    assert f"https://{REGION}.console.aws.amazon.com/sagemaker/home?region={REGION}#/jobs/{failed}" in said
    assert (key_of(here).state, key_of(here).generation) == ("failed", 2)

    for _ in range(3):
        assert run_task(ours()).state == "deferred"
    assert set(cloud.jobs) == {failed, failed.removesuffix("1") + "2"}


def test_job_that_failed_while_nobody_looked_costs_a_try_and_no_more(cloud, here):
    run_task(ours())
    cloud.end(only_job(cloud), "Failed")
    assert run_task(ours()).state == "up_for_retry"
    assert len(cloud.jobs) == 1


THROTTLED = [("ThrottlingException", 400), ("InternalFailure", 500), ("ResourceLimitExceeded", 400)]


@pytest.mark.parametrize("operation", ["DescribeTrainingJob", "CreateTrainingJob"])
@pytest.mark.parametrize(("code", "status"), THROTTLED)
def test_throttled_cloud_is_tried_again_and_never_fails_the_key(cloud, here, operation, code, status):
    cloud.refuse(operation, code, status=status)
    ran = run_task(ours())
    assert (ran.state, type(ran.error).__name__) == ("up_for_retry", "CloudUnavailable")
    assert code in str(ran.error)
    assert (key_of(here).state, key_of(here).generation) == ("open", 1)
    assert run_task(ours()).state == "deferred"
    assert only_job(cloud).endswith("-g1")


@pytest.mark.parametrize("operation", ["DescribeTrainingJob", "CreateTrainingJob"])
def test_refused_request_fails_without_retry_and_the_job_is_still_found_afterwards(cloud, here, operation):
    cloud.refuse(operation, "AccessDeniedException")
    ran = run_task(ours())
    assert (ran.state, type(ran.error).__name__) == ("failed", "CloudRefused")
    assert "AccessDeniedException, says the test" in str(ran.error)
    run_task(ours())
    assert only_job(cloud).endswith("-g1")


def test_permission_lost_while_the_job_runs_starts_no_second_job(cloud, here):
    waiting = run_task(ours())
    cloud.refuse("DescribeTrainingJob", "AccessDeniedException", times=2)
    assert run_task(ours(), resumed_by=wait_for(waiting)).state == "failed"
    assert run_task(ours()).state == "deferred"
    assert only_job(cloud).endswith("-g1")


def test_configuration_that_boto_refuses_fails_without_retry(cloud, here):
    config = {**CONFIG, "ResourceConfig": {"InstanceCount": "two"}}
    ran = run_task(cloud_worker._in_dag(SageMakerTrainOperator, pipeline="tides", config=config))
    assert (ran.state, type(ran.error).__name__) == ("failed", "CloudRefused")
    assert "ResourceConfig.InstanceCount" in str(ran.error)
    assert not cloud.jobs


def test_another_configuration_or_another_input_is_another_job(cloud, here):
    run_task(ours())
    run_task(ours(inputs={"rows": "other"}))
    more = {**CONFIG, "HyperParameters": {"trees": "9"}}
    run_task(cloud_worker._in_dag(SageMakerTrainOperator, pipeline="tides", config=more))
    run_task(ours(region_name=REGION))
    assert len(cloud.jobs) == 4


def test_configuration_is_a_template(cloud, here):
    config = {**CONFIG, "HyperParameters": {"as_of": "{{ partition_key }}"}}
    run_task(cloud_worker._in_dag(SageMakerTrainOperator, pipeline="tides", config=config))
    assert cloud.jobs[only_job(cloud)].hyper_parameters == {"as_of": NIGHT}


def test_configuration_that_is_no_json_fails_with_a_sentence(cloud, here):
    config = {**CONFIG, "Environment": {"now": datetime(2024, 1, 1, tzinfo=UTC)}}
    ran = run_task(cloud_worker._in_dag(SageMakerTrainOperator, pipeline="tides", config=config))
    assert (ran.state, type(ran.error).__name__) == ("failed", "UsageError")
    assert "step: config must be plain JSON" in str(ran.error)


def test_run_without_partition_key_fails_with_a_sentence(cloud, here):
    ran = run_task(ours(), partition_key=None)
    assert (ran.state, type(ran.error).__name__) == ("failed", "UnknownNight")
    assert cloud.asked == []


def test_metric_that_is_no_number_does_not_spoil_a_paid_job(cloud, here):
    waiting = run_task(ours())
    now = datetime.now(UTC)
    metrics = [("loss", float("nan")), ("auc", 0.5)]
    said = [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in metrics]
    cloud.end(only_job(cloud), final_metric_data_list=said)
    ran = run_task(ours(), resumed_by=wait_for(waiting))
    assert (ran.state, ran.result["metrics"]) == ("success", {"auc": 0.5})


def at_each_description(cloud, *happenings):
    """Let these things happen, one each time that SageMaker has described a job."""
    left = list(happenings)

    def happen():
        if then := left.pop(0):
            then()
        if left:
            cloud.after["DescribeTrainingJob"] = happen

    cloud.after["DescribeTrainingJob"] = happen


def test_task_that_may_not_defer_waits_in_its_worker(cloud, here):
    at_each_description(cloud, None, None, None, lambda: cloud.end(only_job(cloud)))
    ran = run_task(ours(deferrable=False))
    assert (ran.state, ran.result["job"]) == ("success", only_job(cloud))
    assert history(here) == ["claimed", "released", "claimed", "finished"]


@pytest.mark.parametrize("deferrable", [True, False])
def test_job_that_takes_too_long_fails_the_task_and_goes_on(cloud, here, deferrable):
    arguments = {"wait_at_most": timedelta(seconds=0.05), "deferrable": deferrable}
    ran = run_task(ours(**arguments))
    if deferrable:
        event = wait_for(ran)
        assert event["timed_out"]
        ran = run_task(ours(**arguments), resumed_by=event)
    assert (ran.state, type(ran.error).__name__) == ("failed", "JobTooSlow")
    assert f"job {only_job(cloud)} (InProgress) has not ended within 0:00:00.05" in str(ran.error)
    assert "StopTrainingJob" not in cloud.asked
    cleared = run_task(ours())
    assert cleared.state == "deferred"
    assert only_job(cloud).endswith("-g1")


def test_job_that_ended_at_the_last_moment_counts(cloud, here):
    arguments = {"wait_at_most": timedelta(seconds=0.05)}
    event = wait_for(run_task(ours(**arguments)))
    cloud.end(only_job(cloud))
    assert run_task(ours(**arguments), resumed_by=event).state == "success"


def test_trigger_goes_on_while_the_cloud_is_throttled(cloud, here):
    waiting = run_task(ours())
    cloud.refuse("DescribeTrainingJob", "ThrottlingException", times=3)
    cloud.end(only_job(cloud))
    assert wait_for(waiting)["timed_out"] is False
    assert run_task(ours(), resumed_by=wait_for(waiting)).state == "success"


def test_trigger_waits_as_long_as_the_job_runs(cloud, here):
    waiting = run_task(ours())
    trigger = CloudJobTrigger(**waiting.message.trigger_kwargs)

    async def wait():
        waits = asyncio.ensure_future(fired(trigger))
        before = len(cloud.asked)
        while len(cloud.asked) < before + 3:
            await asyncio.sleep(0.01)
        assert not waits.done()
        cloud.end(only_job(cloud))
        return await asyncio.wait_for(waits, 20)

    assert asyncio.run(wait())["job"] == only_job(cloud)


def test_job_that_was_deleted_is_submitted_again(cloud, here):
    waiting = run_task(ours())
    name = only_job(cloud)
    cloud.jobs.clear()
    assert run_task(ours(), resumed_by=wait_for(waiting)).state == "deferred"
    assert only_job(cloud) == name


@pytest.mark.parametrize(("stop_on_kill", "status"), [(False, "InProgress"), (True, "Stopped")])
def test_killed_task_leaves_its_job_alone_unless_told_otherwise(cloud, here, stop_on_kill, status):
    waiting = run_task(ours(stop_on_kill=stop_on_kill))
    asyncio.run(CloudJobTrigger(**waiting.message.trigger_kwargs).on_kill())
    assert cloud.jobs[only_job(cloud)].training_job_status == status


@pytest.mark.parametrize(("stop_on_kill", "state"), [(False, "success"), (True, "up_for_retry")])
def test_killed_task_that_waits_in_its_worker_leaves_its_job_alone_unless_told_otherwise(
    cloud, here, stop_on_kill, state
):
    def terminate():
        os.kill(os.getpid(), signal.SIGTERM)  # as Airflow's supervisor does

    def end_if_it_runs():
        if cloud.jobs[only_job(cloud)].training_job_status == "InProgress":
            cloud.end(only_job(cloud))

    at_each_description(cloud, None, None, terminate, end_if_it_runs)
    assert run_task(ours(deferrable=False, stop_on_kill=stop_on_kill)).state == state
    assert ("StopTrainingJob" in cloud.asked) == stop_on_kill


def test_name_in_the_configuration_is_a_mistake_found_when_the_dag_is_parsed():
    with pytest.raises(DeclarationError, match=r"step: config has TrainingJobName = 'mine'\. Leave it out"):
        cloud_worker._in_dag(SageMakerTrainOperator, pipeline="tides", config={**CONFIG, "TrainingJobName": "mine"})


def test_configuration_that_lacks_what_amazon_asks_for_is_found_when_the_dag_is_parsed():
    with pytest.raises(DeclarationError, match=r"config lacks RoleArn, such as 'arn:.*; and OutputDataConfig, such as"):
        cloud_worker._in_dag(SageMakerTrainOperator, pipeline="tides", config={})


def test_configuration_may_come_from_another_task():
    from airflow.sdk import DAG, task

    @task
    def make() -> dict:
        return CONFIG

    with DAG("tides_training", schedule=None):
        assert SageMakerTrainOperator(task_id="step", pipeline="tides", config=make()).upstream_task_ids == {"make"}
