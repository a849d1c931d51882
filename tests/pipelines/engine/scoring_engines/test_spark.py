"""Nights on a real Spark Connect server: the same rows, scored once, whatever happens to the executors."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model_registry import TamperedModel
from pipelines.engine.errors import (
    EngineError,
    EngineMismatch,
    EngineUnavailable,
    RowsChanged,
    StorageError,
    UsageError,
)
from pipelines.engine.scoring_engines import open_engine, orders, session
from pipelines.engine.scoring_engines.executor import read_answer
from pipelines.engine.scoring_engines.spark import in_executor
from pipelines.engine.steps.compile import compile_ahead
from pipelines.engine.steps.score import score_night_shard
from pipelines.engine.steps.score_night import score_night
from pipelines.engine.steps.whole import run_night
from tests.pipelines.engine.steps import places, tides

NIGHT = tides.NIGHTS[0]
COLUMNS = ["buoy", "score", "model_version"]


@pytest.fixture
def cut(place):
    """A place whose nights have three shards."""
    return place.declared(shard_bytes=1, most_shards=3)


def planned(place, night=NIGHT):
    checked = places.validate(place, night)
    return checked, places.plan(place, checked)


def sent(engine, monkeypatch):
    """The numbers of the shards that the engine is given from now on."""
    numbers = []
    score = engine.score
    monkeypatch.setattr(engine, "score", lambda work: (numbers.append(work.shard.number), score(work))[1])
    return numbers


def odd_rows():
    """Rows with everything that is odd in them: missing values, seas that no training saw, no numbers, and far-off ones."""
    rows = tides.make_rows(NIGHT)
    chance = np.random.default_rng(3)
    rows["wind"] = chance.choice([np.nan, 0.0, -0.0, 1e-40, 5.0, -5.0, *rows["wind"][:50]], len(rows))
    rows["sea"] = chance.choice(["arctic", "", None, *tides.SEAS], len(rows))
    depths = [None, 0, -(2**62), 2**53 + 1, *map(int, rows["depth"][:50])]
    rows["depth"] = pd.Series([depths[place] for place in chance.integers(0, len(depths), len(rows))], dtype="Int64")
    return rows


def test_scores_of_spark_and_of_machine_code_in_this_process_are_equal_bit_for_bit(cut, engine, tmp_path):
    """The executors score with the booster itself."""
    tides.write(odd_rows(), cut.rows(NIGHT))
    here = cut.copied_to(tmp_path / "here").changed(tides.declare(), compiles=True)
    compile_ahead(here.runtime, here.pipeline, "1")
    there = run_night(cut.runtime, cut.pipeline, NIGHT, engine)
    same = run_night(here.runtime, here.pipeline, NIGHT)
    pd.testing.assert_frame_equal(cut.published(NIGHT)[COLUMNS], here.published(NIGHT)[COLUMNS], check_exact=True)
    counts = ("rows_in", "rows_scored", "rows_quarantined", "histogram", "score_mean", "model_version")
    assert {name: there[name] for name in counts} == {name: same[name] for name in counts}
    (whole,) = here.ledger.entries(step="score")
    assert whole.result["scorer"] == "compiled"
    assert (there["rows_scored"], len({*cut.published(NIGHT)["task_key"]})) == (300, 3)


def test_night_that_was_begun_here_goes_on_there_and_nothing_is_sent_twice(cut, engine, monkeypatch):
    checked, shards = planned(cut)
    numbers = sent(engine, monkeypatch)
    first = places.score(cut, shards[1])
    scored = score_night(cut.runtime, cut.pipeline, shards, engine)
    assert sorted(numbers) == [0, 2]
    assert scored[1] == first
    assert score_night(cut.runtime, cut.pipeline, shards, engine) == scored
    assert [places.score(cut, shard) for shard in shards] == scored, "and back again"
    assert sorted(numbers) == [0, 2]
    assert places.publish(cut, checked, scored)["rows_scored"] == 300


def test_worker_killed_in_the_middle_of_a_shard_is_replaced_and_the_night_is_published_once(cut, engine, spark):
    spark.kill_next_worker()
    done = run_night(cut.runtime, cut.pipeline, NIGHT, engine)
    assert spark.killed()
    assert (done["rows_scored"], cut.versions()) == (300, 1)
    assert cut.published(NIGHT)["buoy"].is_unique
    assert {(entry.state, entry.fence) for entry in cut.ledger.entries(step="score")} == {("done", 1)}
    assert len(list(cut.predictions.rglob("*.parquet"))) == 3, "each try wrote to the place of the one before"


def test_shard_whose_rows_were_all_refused_is_empty_and_the_night_adds_up(cut, engine):
    rows = tides.make_rows(NIGHT)
    rows.loc[:99, "wind"] = 9.0
    tides.write(rows, cut.rows(NIGHT))
    lenient = cut.declared(
        shard_bytes=1, most_shards=3, checks=tides.Checks(rows="tides_rows", labels="tides_labels", refuse_at_most=0.5)
    )
    done = run_night(lenient.runtime, lenient.pipeline, NIGHT, engine)
    assert (done["rows_in"], done["rows_scored"], done["rows_quarantined"]) == (300, 200, 100)
    assert len(lenient.published(NIGHT)) == 200


def test_model_that_was_changed_on_its_way_is_refused_where_it_is_loaded(cut, engine, monkeypatch):
    packages = orders.Packages()

    def tampered(work):
        found, sha256 = packages.place(work)
        Path(found.path).write_bytes(b"something else")
        return found, sha256

    with monkeypatch.context() as patch:
        patch.setattr(engine._packages, "place", tampered)
        with pytest.raises(TamperedModel, match=r"there is now other bytes\. It is not loaded, and nothing was scored"):
            run_night(cut.runtime, cut.pipeline, NIGHT, engine)
    assert not cut.is_published(NIGHT)
    assert run_night(cut.runtime, cut.pipeline, NIGHT, engine)["rows_scored"] == 300, "the package is put there again"


def test_rows_that_changed_since_they_were_checked_are_refused_in_the_same_words(cut, engine):
    _, shards = planned(cut)
    tides.write(tides.make_rows(NIGHT, seed=1), cut.rows(NIGHT))
    with pytest.raises(RowsChanged, match="and there is now other bytes") as refused:
        score_night(cut.runtime, cut.pipeline, shards, engine)
    with pytest.raises(RowsChanged) as same:
        score_night_shard(cut.runtime, cut.pipeline, shards[0])
    assert str(refused.value) == str(same.value)


def test_output_that_cannot_be_written_is_said_in_words_and_no_shard_is_lost(cut, engine):
    _, shards = planned(cut)
    cut.predictions.mkdir(parents=True)
    (cut.predictions / f"night={NIGHT}").write_text("in the way")
    with pytest.raises(StorageError, match=r"cannot (read|write) .*night=2024-03-06"):
        score_night(cut.runtime, cut.pipeline, shards, engine)
    (cut.predictions / f"night={NIGHT}").unlink()
    assert len(score_night(cut.runtime, cut.pipeline, shards, engine)) == 3


@pytest.mark.parametrize(
    ("name", "other", "said"),
    [
        ("our_code", lambda: "0" * 64, "Nightshift's code is 000000000000 there"),
        ("our_libraries", lambda: {"lightgbm": "1.0"}, "lightgbm 1.0 there"),
        ("declared", lambda pipeline: "0" * 64, "the columns of pipeline tides are declared otherwise"),
    ],
)
def test_executor_that_differs_from_us_scores_nothing(cut, engine, monkeypatch, name, other, said):
    monkeypatch.setattr(orders, name, other)
    with pytest.raises(EngineMismatch, match=said) as refused:
        run_night(cut.runtime, cut.pipeline, NIGHT, engine)
    assert "docs/spark.md" in str(refused.value)
    assert not list(cut.predictions.rglob("*.parquet"))


def test_executor_without_nightshift_says_so():
    from pyspark import cloudpickle

    script = (
        "import pickle, sys, pyarrow as pa; sys.modules['pipelines'] = None\n"
        "carry_out = pickle.loads(sys.stdin.buffer.read())\n"
        "print(next(carry_out([pa.record_batch({'id': [0]})]))['answer'][0].as_py())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], input=cloudpickle.dumps(in_executor(["{}"])), capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()
    with pytest.raises(EngineMismatch, match=r"(?s)Nightshift cannot be imported where shards are scored.*same lock"):
        read_answer(ran.stdout.decode())


def test_one_shard_of_two_runs_is_scored_once(cut, engine):
    checked, shards = planned(cut)
    waiting = dataclasses.replace(cut.runtime, wait=True)
    with ThreadPoolExecutor(2) as pool:
        ran = [pool.submit(score_night, waiting, cut.pipeline, shards, engine) for _ in range(2)]
        one, other = (future.result() for future in ran)
    assert one == other
    assert len(list(cut.predictions.rglob("*.parquet"))) == 3
    assert places.publish(cut, checked, one)["rows_scored"] == 300


def test_whoever_is_ended_while_it_waits_leaves_a_night_that_the_next_try_finishes(cut, engine, monkeypatch):
    checked, shards = planned(cut)

    def ended(futures, scoring):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.engine.steps.score_night._watch", ended)
        with pytest.raises(KeyboardInterrupt):
            score_night(cut.runtime, cut.pipeline, shards, engine)
    scored = score_night(cut.runtime, cut.pipeline, shards, engine)
    assert places.publish(cut, checked, scored)["rows_scored"] == 300


def test_cluster_that_does_not_answer_is_said_at_once_and_its_token_is_not():
    engine = open_engine("spark", spark="sc://127.0.0.1:9/;token=secret-word")
    with pytest.raises(EngineUnavailable, match=r"does not answer at sc://127.0.0.1:9: ") as refused:
        engine._open()
    assert "secret-word" not in str(refused.value)
    with pytest.raises(EngineError, match="is no address of a Spark cluster"):
        session.open_session("sc://:not-a-port")


def test_without_pyspark_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(EngineError, match="make setup-spark"):
        session.open_session("local[1]")


def test_unknown_engine_and_unnamed_cluster_are_answered_with_what_to_do():
    with pytest.raises(UsageError, match=r"engine is 'sparc'; expected one of: local, spark. Did you mean 'spark'\?"):
        open_engine("sparc")
    with pytest.raises(UsageError, match="NIGHTSHIFT_SPARK"):
        open_engine("spark")
