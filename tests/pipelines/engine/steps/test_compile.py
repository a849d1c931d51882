"""A registered model is compiled once, its nights are scored by machine code, and nothing about it can fail a night."""

import logging
import shutil
import sys

import lleaves
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.engine.models.compiled import processor
from pipelines.engine.models.compiled.build import build
from pipelines.engine.package import load_scorer
from pipelines.engine.run_once import run_once
from pipelines.engine.steps import compile as step
from pipelines.engine.steps.champion import fetch
from tests.pipelines.engine.steps import places, tides

NIGHT, NEXT_NIGHT = tides.NIGHTS[:2]


@pytest.fixture(scope="module")
def compiled_home(tmp_path_factory, trained_home):
    """A home whose champion was compiled; to be copied and never used."""
    home = trained_home.copied_to(tmp_path_factory.mktemp("compiled") / "home")
    step.compile_ahead(home.runtime, home.pipeline, "1")
    assert compilations(home) == [], "the tests' settings say that nothing is compiled"
    compiling = home.changed(compiles=True)
    step.compile_ahead(compiling.runtime, home.pipeline, "1")
    return home


@pytest.fixture
def compiled(compiled_home, tmp_path):
    """A home whose champion was compiled when it was registered."""
    return compiled_home.copied_to(tmp_path / "home").changed(compiles=True)


@pytest.fixture
def uncompiled(place):
    """A home whose champion nobody compiled."""
    return place.changed(compiles=True)


def version(place):
    return place.runtime.registry.resolve("tides", "champion")


def compilations(place):
    return [entry for entry in place.ledger.entries() if entry.step == "compile"]


def machine_code(place):
    (entry,) = compilations(place)
    return place.predictions.with_name("compiled") / entry.result["object"]


def score(place, night=NIGHT):
    """Score a night of one shard, and return what the step says."""
    (shard,) = places.plan(place, places.validate(place, night))
    return places.score(place, shard)


def scored_again(place, night=NIGHT):
    """Score and publish a night that was scored before once more, and return its scores."""
    for entry in place.ledger.entries(step="score", partition=f"{night}#0"):
        place.ledger.force(entry.key, holder="test", reason="with another scorer")
    places.run_night(place, night)
    return place.published(night)[["buoy", "score"]]


def test_a_training_compiles_what_it_registered(uncompiled):
    places.judge_training(uncompiled.declared(fit=tides.fit_linear))
    (entry,) = compilations(uncompiled)
    assert (entry.state, entry.partition, entry.result["object"]) == ("done", tides.AS_OF, None)
    assert entry.result["reason"] == "only LightGBM's trees are compiled"


def test_a_night_is_scored_by_machine_code_and_gives_the_same(compiled):
    ran = places.run_night(compiled, NIGHT)
    assert ([shard["scorer"] for shard in ran.scored], ran.published["warnings"]) == (["compiled"], [])
    scores = compiled.published(NIGHT)[["buoy", "score"]]
    again = scored_again(compiled.changed(compiles=False))
    pd.testing.assert_frame_equal(again, scores, check_exact=True)


def test_a_version_is_compiled_once(compiled):
    first = step.compile_version(compiled.runtime, compiled.pipeline, version(compiled))
    assert step.compile_version(compiled.runtime, compiled.pipeline, version(compiled)) == first
    assert [entry.fence for entry in compilations(compiled)] == [1]


def test_changed_machine_code_is_not_loaded(compiled, caplog):
    machine_code(compiled).write_bytes(b"something else")
    with caplog.at_level(logging.WARNING):
        assert score(compiled)["scorer"] == "plain"
    assert "is not what was compiled; version 1 is scored without it" in caplog.text


def test_lost_machine_code_is_made_again(compiled):
    machine_code(compiled).unlink()
    assert score(compiled)["scorer"] == "compiled"
    assert machine_code(compiled).exists()


def test_machine_code_that_scores_otherwise_steps_back_and_the_night_says_so(compiled, tmp_path, monkeypatch):
    package, other = fetch(compiled.runtime, version(compiled)), tmp_path / "other"
    shutil.copytree(package, other)
    rows = pq.read_table(compiled.rows(NIGHT))
    features = load_scorer(package)._encoding.frame(rows)
    tides.fit_badly(features, np.arange(len(features)) % 2).save_model(str(other / "model.txt"))
    build(other, tmp_path / "other.o")

    monkeypatch.setattr("pipelines.engine.scoring_engines.local.compiled_for", lambda *_: tmp_path / "other.o")
    ran = places.run_night(compiled, NIGHT)
    (shard,) = ran.scored
    assert shard["scorer"] == "plain"
    assert "the compiled model gave other scores than the plain one" in shard["warning"]
    assert ran.published["warnings"] == [shard["warning"]]
    assert shard["warning"] in ran.seen["warnings"]
    scores = compiled.published(NIGHT)[["buoy", "score"]]
    monkeypatch.undo()
    pd.testing.assert_frame_equal(scored_again(compiled.changed(compiles=False)), scores, check_exact=True)


def test_machine_code_that_cannot_be_loaded_fails_no_night(compiled, tmp_path, monkeypatch):
    model = lleaves.Model(model_file=str(fetch(compiled.runtime, version(compiled)) / "model.txt"))
    model.compile(cache=str(tmp_path / "other.o"), froot_func_name="another_name")
    monkeypatch.setattr("pipelines.engine.scoring_engines.local.compiled_for", lambda *_: tmp_path / "other.o")
    scored = score(compiled)
    assert (scored["scorer"], scored["rows_scored"]) == ("plain", 300)
    assert scored["warning"].startswith("the compiled model could not be loaded (")


def test_a_night_waits_for_a_slow_compiler_no_longer_than_it_may(uncompiled, monkeypatch):
    monkeypatch.setattr(step, "PAYS_FROM_ROWS", 300)
    monkeypatch.setattr(step, "LONGEST_AT_NIGHT", 0.05)
    assert score(uncompiled)["scorer"] == "plain"
    (entry,) = compilations(uncompiled)
    assert entry.result["reason"] == "the compiler was stopped after 0 s"


def test_a_night_does_not_wait_for_a_compilation(compiled, monkeypatch):
    key = step._key(compiled.pipeline, version(compiled))
    compiled.ledger.force(key.digest, holder="test", reason="compile it again")
    monkeypatch.setattr(step, "PAYS_FROM_ROWS", 1)
    said = run_once(compiled.ledger, key, lambda hold: {"object": None, "scored by": score(compiled)["scorer"]})
    assert said.result["scored by"] == "plain"


def test_many_rows_are_worth_compiling_at_night(uncompiled, monkeypatch):
    assert score(uncompiled)["scorer"] == "plain"
    assert compilations(uncompiled) == []
    monkeypatch.setattr(step, "PAYS_FROM_ROWS", 300)
    assert score(uncompiled, NEXT_NIGHT)["scorer"] == "compiled"


def test_a_machine_without_a_compiler_scores_all_the_same(uncompiled, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    processor.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert score(uncompiled)["scorer"] == "plain"
    assert "is scored without machine code" in caplog.text
