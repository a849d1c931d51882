"""Training on Vertex AI: through Airflow's worker, a real ledger, the provider's hook, Google's REST transport, and HTTP."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

import pytest
from airflow.sdk import DAG

from nightshift import VertexTrainOperator
from nightshift.triggers import CloudJobTrigger
from pipelines.engine.errors import DeclarationError
from pipelines.engine.moments import listening
from tests.nightshift.operators.vertex_server import PARENT, PROJECT, REGION, VertexServer, lose_the_reply
from tests.nightshift.operators.worker import run_task
from tests.pipelines.engine.ledgers import Inside

NIGHT = "2024-03-06"
CONFIG = {
    "job_spec": {
        "worker_pool_specs": [
            {
                "machine_spec": {"machine_type": "n2-standard-4"},
                "replica_count": 2,
                "container_spec": {"image_uri": "tides:1", "args": ["--as-of", "{{ partition_key }}"]},
            }
        ],
        "base_output_directory": {"output_uri_prefix": "gs://models/tides/"},
    },
    "labels": {"team": "tide-science"},
}


@pytest.fixture
def cloud(monkeypatch):
    with VertexServer() as server:
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", server.connection)
        yield server


@pytest.fixture
def here(fresh, at):
    return at(fresh)


def training(cloud, **arguments):
    """The operator, as an author writes it; only the endpoint is another one."""
    arguments = {"config": CONFIG, "region": REGION, "poll_seconds": 0.01, **arguments}
    with DAG("tides_training", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC)):
        return VertexTrainOperator(
            task_id="step", retries=3, pipeline="tides", api_endpoint=cloud.url if cloud else None, **arguments
        )


def key_of(place):
    (entry,) = place.ledger.entries(step="train_vertex")
    return entry


async def fired(trigger):
    async for event in trigger.run():
        return event.payload
    return None


def wait_for(ran):
    assert ran.state == "deferred", ran.error
    return asyncio.run(asyncio.wait_for(fired(CloudJobTrigger(**ran.message.trigger_kwargs)), 20))


def test_job_is_labelled_with_its_key_and_its_outcome_is_the_result(cloud, here):
    waiting = run_task(training(cloud))
    job = cloud.only()
    name = f"nightshift-tides-{key_of(here).key[:24]}-g1"
    assert (job["displayName"], job["labels"]) == (name, {"team": "tide-science", "nightshift_job": name})
    assert job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] == ["--as-of", NIGHT]
    assert (key_of(here).state, key_of(here).generation) == ("open", 1)

    cloud.end(job)
    ran = run_task(training(cloud), resumed_by=wait_for(waiting))
    assert ran.state == "success", ran.error
    assert ran.result == {
        "job": name,
        "console": f"https://console.cloud.google.com/vertex-ai/locations/{REGION}/training/1/cpu?project={PROJECT}",
        "resource": f"{PARENT}/customJobs/1",
        "model": "gs://models/tides/model",
        "metrics": {},
        "billable_seconds": 180,
        "key": key_of(here).key,
    }
    assert (key_of(here).state, key_of(here).generation) == ("done", 1)
    assert ran.links["JobLink"] == ran.result["console"]

    cloud.asked.clear()
    assert run_task(training(cloud)).result == ran.result
    assert cloud.asked == []


def test_job_whose_reply_was_lost_is_adopted_and_there_is_no_other(cloud, here, caplog):
    cloud.after["create"] = lose_the_reply
    lost = run_task(training(cloud))
    assert (lost.state, type(lost.error).__name__) == ("up_for_retry", "CloudUnavailable")
    with caplog.at_level(logging.INFO):
        assert run_task(training(cloud)).state == "deferred"
    assert f"adopted job {cloud.only()['displayName']}, submitted earlier" in caplog.text
    assert key_of(here).generation == 1


def end_lease(place):
    with Inside(place.settings.ledger_url) as door:
        door.end_lease(key_of(place).key)


def overtaken(cloud, place):
    """Run a task that is stopped between its look and its submission, and one that overtakes it there."""
    seconds = []

    def overtake(moment):
        if moment == "may submit" and not seconds:
            end_lease(place)
            seconds.append(None)
            seconds.append(run_task(training(cloud)))

    with listening(overtake):
        first = run_task(training(cloud))
    return first, seconds[1]


def test_two_who_submit_at_once_keep_the_older_job_and_wait_for_it(cloud, here):
    first, second = overtaken(cloud, here)
    assert cloud.states() == ["PENDING", "CANCELLED"]
    waits = {ran.message.trigger_kwargs["job_id"] for ran in (first, second)}
    assert waits == {f"{PARENT}/customJobs/1"}

    cloud.end(cloud.jobs["1"])
    results = [run_task(training(cloud), resumed_by=wait_for(ran)).result for ran in (first, second)]
    assert results[0] == results[1]
    assert results[0]["resource"] == f"{PARENT}/customJobs/1"
    assert len(cloud.jobs) == 2


def test_doubles_that_a_lagging_list_hid_are_cancelled_at_the_next_look(cloud, here):
    cloud.hidden = {"1", "2"}
    first, second = overtaken(cloud, here)
    assert cloud.states() == ["PENDING", "PENDING"]
    cloud.hidden = set()
    for ran in (first, second):
        run_task(training(cloud), resumed_by={"job": ran.message.trigger_kwargs["job_id"]})
    assert cloud.states() == ["PENDING", "CANCELLED"]
    assert len(cloud.jobs) == 2


def test_double_that_ended_while_it_was_cancelled_does_no_harm(cloud, here):
    cloud.refuse("cancel", 400)
    first, second = overtaken(cloud, here)
    assert (first.state, second.state) == ("deferred", "deferred")
    assert first.message.trigger_kwargs["job_id"] == f"{PARENT}/customJobs/1"


def test_job_that_the_list_does_not_show_yet_is_found_by_its_id(cloud, here):
    waiting = run_task(training(cloud))
    cloud.end(cloud.only())
    cloud.hidden = {"1"}
    ran = run_task(training(cloud), resumed_by=wait_for(waiting))
    assert ran.state == "success", ran.error
    assert len(cloud.jobs) == 1


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "EXPIRED"])
def test_failed_job_is_told_in_words_and_replaced_by_the_next_generation_only(cloud, here, state):
    waiting = run_task(training(cloud))
    failed = cloud.only()
    cloud.end(failed, state, "no tides on the moon")
    ran = run_task(training(cloud), resumed_by=wait_for(waiting))
    assert (ran.state, type(ran.error).__name__) == ("up_for_retry", "JobFailed")
    assert f"job {failed['displayName']} ended as JOB_STATE_{state}: no tides on the moon" in str(ran.error)
    assert "https://console.cloud.google.com/vertex-ai/locations/" in str(ran.error)
    assert (key_of(here).state, key_of(here).generation) == ("failed", 2)

    for _ in range(3):
        assert run_task(training(cloud)).state == "deferred"
    assert [job["displayName"][-3:] for job in cloud.jobs.values()] == ["-g1", "-g2"]


def test_job_of_the_generation_before_is_not_taken_for_the_present_one(cloud, here):
    waiting = run_task(training(cloud))
    cloud.end(cloud.only(), "FAILED")
    event = wait_for(waiting)
    run_task(training(cloud), resumed_by=event)
    late = run_task(training(cloud), resumed_by=event)
    assert (late.state, late.message.trigger_kwargs["job_id"]) == ("deferred", f"{PARENT}/customJobs/2")


@pytest.mark.parametrize("operation", ["list", "create"])
@pytest.mark.parametrize("status", [429, 503])
def test_throttled_cloud_is_tried_again_and_never_fails_the_key(cloud, here, operation, status):
    cloud.refuse(operation, status)
    ran = run_task(training(cloud))
    assert (ran.state, type(ran.error).__name__) == ("up_for_retry", "CloudUnavailable")
    assert (key_of(here).state, key_of(here).generation) == ("open", 1)
    assert run_task(training(cloud)).state == "deferred"
    assert len(cloud.jobs) == 1


def test_trigger_goes_on_while_the_cloud_is_throttled(cloud, here):
    waiting = run_task(training(cloud))
    cloud.refuse("get", 429, times=3)
    cloud.end(cloud.only())
    assert run_task(training(cloud), resumed_by=wait_for(waiting)).state == "success"


@pytest.mark.parametrize("operation", ["list", "create"])
def test_refused_request_fails_without_retry_and_keeps_the_generation(cloud, here, operation):
    cloud.refuse(operation, 403)
    ran = run_task(training(cloud))
    assert (ran.state, type(ran.error).__name__) == ("failed", "CloudRefused")
    assert "403, says the test" in str(ran.error)
    assert run_task(training(cloud)).state == "deferred"
    assert cloud.only()["displayName"].endswith("-g1")


def test_configuration_that_is_no_custom_job_fails_without_retry(cloud, here):
    ran = run_task(training(cloud, config={"job_spec": {"worker_pool": []}}))
    assert (ran.state, type(ran.error).__name__) == ("failed", "CloudRefused")
    assert "worker_pool" in str(ran.error)
    assert not cloud.jobs


def test_job_that_was_deleted_is_submitted_again(cloud, here):
    waiting = run_task(training(cloud))
    cloud.jobs["7"] = cloud.jobs.pop("1") | {"labels": {}}  # somebody else's, so that ids are not used twice
    assert run_task(training(cloud), resumed_by=wait_for(waiting)).state == "deferred"
    assert sum("nightshift_job" in job["labels"] for job in cloud.jobs.values()) == 1


@pytest.mark.parametrize(("stop_on_kill", "state"), [(False, "PENDING"), (True, "CANCELLED")])
def test_killed_task_leaves_its_job_alone_unless_told_otherwise(cloud, here, stop_on_kill, state):
    waiting = run_task(training(cloud, stop_on_kill=stop_on_kill))
    asyncio.run(CloudJobTrigger(**waiting.message.trigger_kwargs).on_kill())
    assert cloud.states() == [state]


def test_name_in_the_configuration_is_a_mistake_found_when_the_dag_is_parsed():
    with pytest.raises(DeclarationError, match=r"step: config has display_name = 'mine'\. Leave it out"):
        training(None, config={**CONFIG, "display_name": "mine"})


def test_configuration_without_a_job_is_found_when_the_dag_is_parsed():
    with pytest.raises(DeclarationError, match="config lacks job_spec"):
        training(None, config={})
