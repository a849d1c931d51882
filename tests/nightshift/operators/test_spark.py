"""Scoring on Spark as DAG authors and the command line meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from nightshift import PlanShardsOperator, PublishOperator, ScoreOnSparkOperator, ValidateOperator, scoring_dag
from nightshift.connections.spark import spark_address
from pipelines.engine.errors import DeclarationError, EngineUnavailable, UsageError
from pipelines.engine.settings import read_settings
from tests.nightshift.operators import tides_command
from tests.nightshift.operators.worker import in_dag, run_task
from tests.pipelines.engine.processes import PATH
from tests.pipelines.engine.steps import places, tides

NIGHT = tides.NIGHTS[0]


def connection(monkeypatch, **said):
    monkeypatch.setenv("AIRFLOW_CONN_CLUSTER", json.dumps({"conn_type": "spark_connect", **said}))


def test_one_task_scores_all_shards_on_the_cluster_of_a_connection(place, at, spark, monkeypatch):
    at(place.declared(shard_bytes=1, most_shards=3))
    where = urlsplit(spark.address)
    connection(monkeypatch, host=where.hostname, port=where.port)
    checked = run_task(in_dag(ValidateOperator)).result
    shards = run_task(in_dag(PlanShardsOperator, checked=checked)).result
    scored = run_task(in_dag(ScoreOnSparkOperator, shards=shards, spark_conn_id="cluster"))
    assert scored.state == "success", scored.error
    assert [one["number"] for one in scored.result] == [0, 1, 2]
    assert scored.links["KeyLink"] == f"/nightshift/keys/{scored.result[0]['key']}"
    published = run_task(in_dag(PublishOperator, checked=checked, scored=scored.result))
    assert published.result["rows_scored"] == 300
    monkeypatch.setenv("NIGHTSHIFT_SPARK", "sc://127.0.0.1:9")
    assert run_task(in_dag(ScoreOnSparkOperator, shards=shards)).result == scored.result, "no cluster is asked for it"


def test_cluster_that_is_down_is_tried_again_and_one_that_nobody_named_is_not(place, at, monkeypatch):
    at(place)
    shards = places.plan(place, places.validate(place, NIGHT))
    unnamed = run_task(in_dag(ScoreOnSparkOperator, shards=shards))
    assert (unnamed.state, type(unnamed.error)) == ("failed", UsageError)
    monkeypatch.setenv("NIGHTSHIFT_SPARK", "sc://127.0.0.1:9")
    down = run_task(in_dag(ScoreOnSparkOperator, shards=shards))
    assert (down.state, type(down.error)) == ("up_for_retry", EngineUnavailable)


def test_connection_says_where_the_cluster_is_and_its_token_goes_along(monkeypatch):
    settings = read_settings({})
    connection(monkeypatch, host="spark.internal", password="a;b", login="me", extra={"use_ssl": True})
    assert spark_address("cluster", settings) == "sc://spark.internal:15002/;use_ssl=true;token=a%3Bb;user_id=me"
    connection(monkeypatch, conn_type="spark", host="spark://master", port=7077)
    assert spark_address("cluster", settings) == "spark://master:7077"
    connection(monkeypatch, conn_type="spark", host="yarn")
    assert spark_address("cluster", settings) == "yarn"
    connection(monkeypatch)
    with pytest.raises(UsageError, match="'cluster' names no host"):
        spark_address("cluster", settings)
    with pytest.raises(UsageError, match="there is no Airflow connection 'nowhere'"):
        spark_address("nowhere", settings)


def test_scoring_dag_on_spark_has_one_task_that_scores_and_keeps_its_promise():
    with places.known_suites():
        made = scoring_dag(
            tides.declare(),
            schedule="0 2 * * *",
            owner="sea",
            doc_md="...",
            engine="spark",
            finish_by="06:00",
            due_within={"score": timedelta(hours=1)},
        )
    score = made.task_dict["score"]
    assert (type(score).__name__, score.is_mapped) == ("ScoreOnSparkOperator", False)
    assert (score.upstream_task_ids, score.downstream_task_ids) == ({"plan"}, {"publish"})


def test_unknown_engine_is_found_when_the_dag_is_parsed():
    with places.known_suites(), pytest.raises(DeclarationError, match=r"tides_scoring: engine is 'sparkle'.*'spark'\?"):
        scoring_dag(tides.declare(), schedule="0 2 * * *", owner="sea", engine="sparkle")


def score(place, *words, **environment):
    command = [sys.executable, tides_command.__file__, "score", "tides", NIGHT, *words]
    paths = ":".join([PATH, *(path for path in sys.path if path)])
    mine = {name: value for name, value in place.environment().items() if not name.startswith("SPARK_")}
    variables = {**mine, "PYTHONPATH": paths, **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_command_line_scores_with_a_driver_of_its_own(place):
    submit = "--conf spark.python.daemon.module=tests.support.tides_daemon pyspark-shell"
    done = score(place, "--engine", "spark", "--json", NIGHTSHIFT_SPARK="local[2]", PYSPARK_SUBMIT_ARGS=submit)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["rows_scored"] == 300
    assert len(place.published(NIGHT)) == 300


def test_command_line_says_which_engines_there_are(place):
    done = score(place, "--engine", "sparky")
    assert done.returncode != 0
    assert "engine is 'sparky'; expected one of: local, spark. Did you mean 'spark'?" in done.stderr
    assert "Traceback" not in done.stderr
