"""Scoring by batch jobs on EMR Serverless and Dataproc: one job for each night, recorded shard by shard."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pandas as pd
import pytest

from nightshift import PublishOperator, ScoreOnDataprocOperator, ScoreOnEmrOperator
from nightshift.triggers import CloudJobTrigger
from pipelines.engine import catalog
from pipelines.engine.errors import DeclarationError, RowsChanged
from pipelines.engine.scoring_engines.executor import answer
from tests.nightshift.operators import dataproc_server, emr_server
from tests.nightshift.operators.worker import in_dag, run_task
from tests.pipelines.engine.steps import places, tides

NIGHT = tides.NIGHTS[0]


class Emr:
    """Amazon, as these tests need it."""

    step = "score_emr"
    config = {  # noqa: RUF012
        "executionRoleArn": "arn:aws:iam::123456789012:role/scoring",
        "jobDriver": {"sparkSubmit": {"entryPoint": "s3://lake/job.py", "sparkSubmitParameters": "--conf a=b"}},
    }

    def __init__(self, server):
        self.server = server

    def operator(self, shards, **arguments):
        said = {"config": self.config, "application_id": self.server.application, "poll_seconds": 0.01, **arguments}
        return in_dag(ScoreOnEmrOperator, shards=shards, **said)

    def jobs(self):
        return [(job.name, job.state) for job in self.server.jobs]

    def arguments(self):
        return self.server.jobs[-1].job_driver["sparkSubmit"]["entryPointArguments"]

    def end(self, state="SUCCESS"):
        self.server.jobs[-1].state = state

    def refuse(self, operation, status):
        code = {403: "AccessDeniedException", 500: "InternalServerException"}[status]
        self.server.refuse({"submit": "start", "describe": "get"}[operation], code, status)

    def lose_the_reply(self):
        self.server.after["start"] = lambda: emr_server.DROP


class Dataproc:
    """Google, likewise."""

    step = "score_dataproc"
    config = {"pyspark_batch": {"main_python_file_uri": "gs://lake/job.py"}}  # noqa: RUF012

    def __init__(self, server):
        self.server = server

    def operator(self, shards, **arguments):
        where = {"region": dataproc_server.REGION, "api_endpoint": self.server.url}
        return in_dag(
            ScoreOnDataprocOperator,
            shards=shards,
            **{"config": self.config, "poll_seconds": 0.01, **where, **arguments},
        )

    def jobs(self):
        return [(name, job["state"]) for name, job in self.server.jobs.items()]

    def arguments(self):
        return list(self.server.jobs.values())[-1]["pysparkBatch"]["args"]

    def end(self, state="SUCCEEDED"):
        list(self.server.jobs.values())[-1]["state"] = state

    def refuse(self, operation, status):
        self.server.refuse({"submit": "create", "describe": "get"}[operation], status)

    def lose_the_reply(self):
        self.server.after["create"] = lambda: dataproc_server.DROP


@pytest.fixture(params=["emr", "dataproc"])
def cloud(request, monkeypatch):
    if request.param == "emr":
        with emr_server.EmrServer() as server:
            monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", server.connection)
            yield Emr(server)
    else:
        with dataproc_server.DataprocServer() as server:
            monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", server.connection)
            yield Dataproc(server)


@pytest.fixture
def emr(monkeypatch):
    """For what is the same in every cloud."""
    with emr_server.EmrServer() as server:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", server.connection)
        yield Emr(server)


@pytest.fixture
def cut(place, at, monkeypatch):
    """A place whose nights have three shards, for operators and for jobs."""
    cut = at(place.declared(shard_bytes=1, most_shards=3))
    monkeypatch.setattr(catalog, "load_pipeline", lambda name: cut.pipeline)
    return cut


def planned(place):
    checked = places.validate(place, NIGHT)
    return checked, places.plan(place, checked)


def carry_out(cloud, but=lambda answers: answers):
    """Do what the job does, without Spark, and let it end."""
    orders, answers = cloud.arguments()
    said = [answer(order) for order in json.loads(Path(orders).read_text())]
    Path(answers).write_text(json.dumps(but(said)))
    cloud.end()


async def fired(trigger):
    async for event in trigger.run():
        return event.payload
    return None


def resume(ran, operator):
    """Go on as Airflow does when the job that a task waits for has ended."""
    assert ran.state == "deferred", ran.error
    event = asyncio.run(asyncio.wait_for(fired(CloudJobTrigger(**ran.message.trigger_kwargs)), 20))
    return run_task(operator, resumed_by=event)


def test_night_is_scored_by_one_job_and_published_as_if_it_had_been_scored_here(cloud, cut, tmp_path):
    here = cut.copied_to(tmp_path / "here").declared(shard_bytes=1, most_shards=3)
    checked, shards = planned(cut)
    waiting = run_task(cloud.operator(shards))
    carry_out(cloud)
    scored = resume(waiting, cloud.operator(shards))
    assert scored.state == "success", scored.error
    assert [one["number"] for one in scored.result] == [0, 1, 2]
    published = run_task(in_dag(PublishOperator, checked=checked, scored=scored.result))
    assert published.result["rows_scored"] == 300
    places.run_night(here, NIGHT)
    columns = ["buoy", "score", "model_version", "task_key"]
    pd.testing.assert_frame_equal(cut.published(NIGHT)[columns], here.published(NIGHT)[columns], check_exact=True)
    ((name, _),) = cloud.jobs()
    (entry,) = cut.ledger.entries(step=cloud.step)
    assert (name, entry.state) == (f"nightshift-tides-{entry.key[:24]}-g1", "done")


def test_finished_night_asks_no_cloud_and_a_night_begun_here_is_only_finished_there(emr, cut):
    _, shards = planned(cut)
    first = places.score(cut, shards[1])
    waiting = run_task(emr.operator(shards))
    assert len(json.loads(Path(emr.arguments()[0]).read_text())) == 2
    carry_out(emr)
    scored = resume(waiting, emr.operator(shards))
    assert scored.result[1] == first
    emr.server.asked.clear()
    assert run_task(emr.operator(shards)).result == scored.result
    assert emr.server.asked == []


def test_lost_reply_and_a_second_worker_lead_to_the_same_job(cloud, cut):
    _, shards = planned(cut)
    cloud.lose_the_reply()
    lost = run_task(cloud.operator(shards))
    assert (lost.state, type(lost.error).__name__) == ("up_for_retry", "CloudUnavailable")
    waiting = [run_task(cloud.operator(shards)) for _ in range(2)]
    assert len(cloud.jobs()) == 1
    carry_out(cloud)
    one, other = (resume(ran, cloud.operator(shards)) for ran in waiting)
    assert one.result == other.result
    assert len(one.result) == 3


def test_failed_job_is_told_and_the_next_try_is_a_new_one(cloud, cut):
    _, shards = planned(cut)
    waiting = run_task(cloud.operator(shards))
    cloud.end("FAILED")
    failed = resume(waiting, cloud.operator(shards))
    assert (failed.state, type(failed.error).__name__) == ("up_for_retry", "JobFailed")
    again = run_task(cloud.operator(shards))
    assert [name[-3:] for name, _ in cloud.jobs()] == ["-g1", "-g2"]
    carry_out(cloud)
    assert resume(again, cloud.operator(shards)).state == "success"


def test_refusal_is_said_and_an_outage_is_tried_again(cloud, cut):
    _, shards = planned(cut)
    for status, state, kind in ((403, "failed", "CloudRefused"), (500, "up_for_retry", "CloudUnavailable")):
        cloud.refuse("submit", status)
        ran = run_task(cloud.operator(shards))
        assert (ran.state, type(ran.error).__name__) == (state, kind)
    assert cloud.jobs() == []


def test_shard_that_failed_comes_back_as_its_own_error_and_the_others_are_kept(emr, cut):
    _, shards = planned(cut)
    waiting = run_task(emr.operator(shards))

    def second_failed(answers):
        second = {**json.loads(answers[1]), "error": {"kind": "RowsChanged", "message": "other rows"}}
        return [answers[0], json.dumps(second), answers[2]]

    carry_out(emr, second_failed)
    ran = resume(waiting, emr.operator(shards))
    assert (ran.state, type(ran.error), str(ran.error)) == ("failed", RowsChanged, "other rows")
    assert [entry.partition for entry in cut.ledger.entries(step="score")] == [f"{NIGHT}#2", f"{NIGHT}#0"]
    again = run_task(emr.operator(shards))
    assert len(json.loads(Path(emr.arguments()[0]).read_text())) == 1
    carry_out(emr)
    assert len(resume(again, emr.operator(shards)).result) == 3


def test_job_without_answers_and_answers_that_lie_record_nothing(emr, cut):
    _, shards = planned(cut)
    waiting = run_task(emr.operator(shards))
    emr.end()
    silent = resume(waiting, emr.operator(shards))
    assert (silent.state, type(silent.error).__name__) == ("up_for_retry", "JobFailed")
    waiting = run_task(emr.operator(shards))

    def elsewhere(answers):
        lie = json.loads(answers[0])
        return [json.dumps({**lie, "output": lie["output"].replace(lie["key"][:32], "0" * 32)}), *answers[1:]]

    carry_out(emr, elsewhere)
    lied = resume(waiting, emr.operator(shards))
    assert (lied.state, type(lied.error).__name__) == ("failed", "PathRefused")
    assert cut.ledger.entries(step="score") == []
    waiting = run_task(emr.operator(shards))
    carry_out(emr, lambda answers: answers[:2])
    short = resume(waiting, emr.operator(shards))
    assert (short.state, type(short.error).__name__) == ("up_for_retry", "JobFailed")
    assert "says nothing of 1 of 3 shards" in str(short.error)
    assert [name[-3:] for name, _ in emr.jobs()] == ["-g1", "-g2", "-g3"]


def test_job_is_stopped_with_its_task_if_that_is_wanted(cloud, cut):
    _, shards = planned(cut)
    waiting = run_task(cloud.operator(shards, stop_on_kill=True))
    asyncio.run(CloudJobTrigger(**waiting.message.trigger_kwargs).on_kill())
    assert [state for _, state in cloud.jobs()] == ["CANCELLED"]


def test_configuration_that_names_the_job_or_lacks_its_program_is_refused_in_the_dag(cloud):
    with pytest.raises(DeclarationError, match=r"config has name = 'mine'\. Leave it out"):
        cloud.operator([], config={**cloud.config, "name": "mine"})
    with pytest.raises(DeclarationError, match="config lacks"):
        cloud.operator([], config={"tags": {}})
