"""Many shards as one batch job, on real Spark."""

from __future__ import annotations

import json

import pytest

from pipelines.engine.errors import StorageError, UsageError
from pipelines.engine.scoring_engines import job
from pipelines.engine.scoring_engines.executor import read_answer
from pipelines.engine.scoring_engines.spark import SparkEngine
from pipelines.engine.steps.score_night import score_night
from tests.pipelines.engine.steps import places, tides


def test_job_carries_out_all_orders_of_a_file_and_answers_in_their_order(place, spark, monkeypatch, tmp_path):
    from pipelines.engine.scoring_engines.orders import make_order

    cut = place.declared(shard_bytes=1, most_shards=3)
    shards = places.plan(cut, places.validate(cut, tides.NIGHTS[0]))
    engine, orders = SparkEngine(spark.address, 1), []

    def write_down(work):
        orders.append(make_order(work, engine._packages.place(work)))
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "score", write_down)
    for shard in shards:
        with pytest.raises(KeyboardInterrupt):
            score_night(cut.runtime, cut.pipeline, [shard], engine)
    (tmp_path / "orders.json").write_text(json.dumps(orders))
    monkeypatch.setenv("SPARK_REMOTE", spark.address)
    job.main([str(tmp_path / "orders.json"), str(tmp_path / "answers.json")])
    answers = job.read_list(cut.runtime.storage.at(str(tmp_path / "answers.json")))
    assert [read_answer(answer).rows_in for answer in answers] == [100, 100, 100]
    assert [json.loads(answer)["key"] for answer in answers] == [json.loads(order)["key"] for order in orders]
    assert len(list(cut.predictions.rglob("*.parquet"))) == 3


def test_job_without_its_files_says_what_it_expected(tmp_path):
    with pytest.raises(UsageError, match=r"expected the addresses of two files, ORDERS\.json and ANSWERS\.json"):
        job.main(["only-one.json"])
    (tmp_path / "orders.json").write_text("{}")
    with pytest.raises(StorageError, match="expected a list of texts"):
        job.main([str(tmp_path / "orders.json"), str(tmp_path / "answers.json")])
