"""One contract, two registries: the twin in memory promises what the real one on MLflow promises."""

from __future__ import annotations

import inspect
import math
from datetime import UTC, datetime

import pandas as pd
import pytest

from model_registry import (
    AliasMoved,
    BadPackage,
    KeyConflict,
    NoSuchAlias,
    NoSuchModel,
    NoSuchRun,
    NoSuchVersion,
    Registry,
    RegistryRefused,
    TamperedModel,
)
from nightshift.testing import MemoryRegistry
from tests.model_registry.conftest import HERE, log, write_package

AT = datetime(2013, 11, 19, 7, tzinfo=UTC)
BY = {"actor": "a test", "at": AT}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An MLflow database with its tables: made once, copied by each test."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    with Registry(f"sqlite:///{path}")._store.speaking():
        return path


@pytest.fixture(params=["in memory", "on MLflow"])
def registry(request, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    if request.param == "in memory":
        return MemoryRegistry(tmp_path / "registry")
    database = tmp_path / "mlflow.db"
    database.write_bytes(request.getfixturevalue("empty").read_bytes())
    return Registry(f"sqlite:///{database}")


@pytest.fixture
def train(registry, tmp_path):
    def train(key, weight=2.0, **changes):
        package = tmp_path / f"package-{weight}"
        if not package.exists():
            write_package(package, weight)
        return log(registry, key, package, tmp_path / "roc.png", **changes)

    return train


@pytest.fixture
def register(registry, train):
    def register(key, weight=2.0, name="flights", **tags):
        run = train(f"train {key}", weight)
        return registry.register_once(name, key=key, run_id=run.run_id, description="A model.", tags=tags)

    return register


@pytest.fixture
def promote(registry):
    def promote(to, expected, key="promotion"):
        return registry.promote("flights", to=to, expected=expected, key=key, reason="better", **BY)

    return promote


def moves(registry):
    return [(move.number, move.alias, move.moved_from, move.moved_to, move.key) for move in registry.journal("flights")]


def test_a_training_is_logged_once_for_a_key(train):
    first, second = train("k"), train("k")
    assert (first.reused, second.reused) == (False, True)
    assert (first.run_id, first.digest, dict(first.digests)) == (second.run_id, second.digest, dict(second.digests))
    assert train("other").run_id != first.run_id
    assert train("k", experiment="ships").run_id != first.run_id


def test_a_package_that_cannot_predict_is_not_logged(registry, tmp_path):
    package = write_package(tmp_path / "package", loader="linear_loader:nothing")
    with pytest.raises(BadPackage):
        log(registry, "k", package, tmp_path / "roc.png")


@pytest.mark.parametrize("key", ["it's", "", "x" * 251, "line\nbreak"])
def test_a_key_that_cannot_be_searched_for_is_refused(train, key):
    with pytest.raises(RegistryRefused):
        train(key)


def test_a_version_is_registered_once_for_a_key(registry, register):
    first, again = register("k", gate="open"), register("k", gate="closed", more="tag")
    assert (first.version, again.version) == ("1", "1")
    assert (again.tags["gate"], again.tags["more"]) == ("open", "tag")
    assert register("other", 3.0).version == "2"
    assert [version.version for version in registry.versions("flights")] == ["1", "2"]


def test_a_version_carries_its_key_its_digest_and_the_metrics_of_its_run(registry, train):
    run = train("train", metrics={"auc": 0.71, "odd": math.nan})
    version = registry.register_once("flights", key="k", run_id=run.run_id, description="", tags={"as_of": "today"})
    assert (version.key, version.digest, version.run_id) == ("k", run.digest, run.run_id)
    assert (version.tags["as_of"], version.metrics["auc"]) == ("today", 0.71)
    assert math.isnan(version.metrics["odd"])
    registry.set_metrics(run.run_id, {"auc": 0.72, "later": 1})
    read = registry.version("flights", "1")
    assert (read.metrics["auc"], read.metrics["later"]) == (0.72, 1.0)


def test_a_key_stands_for_one_result(registry, train, register):
    register("k")
    other = train("train again", 3.0)
    with pytest.raises(KeyConflict, match="registered under this key, but from other model files"):
        registry.register_once("flights", key="k", run_id=other.run_id, description="", tags={})


def test_what_is_not_there_is_answered_with_what_is(registry, register, promote):
    register("k")
    promote("1", None)
    with pytest.raises(NoSuchModel, match=r"No model is registered as 'flight'\. Did you mean 'flights'"):
        registry.versions("flight")
    with pytest.raises(
        NoSuchAlias, match=r"has no alias 'champoin'\. Its aliases: champion -> 1\. Did you mean 'champion'"
    ):
        registry.resolve("flights", "champoin")
    with pytest.raises(NoSuchVersion, match=r"has no version '7'\. Its versions: 1"):
        registry.version("flights", "7")
    for ask in (lambda: registry.set_metrics("0" * 32, {"auc": 1}), lambda: unknown_run(registry)):
        with pytest.raises(NoSuchRun, match="has no run"):
            ask()
    for ask in (registry.journal, lambda name: registry.resolve(name, "champion")):
        with pytest.raises(NoSuchModel):
            ask("ships")


def unknown_run(registry):
    registry.register_once("flights", key="x", run_id="0" * 32, description="", tags={})


def test_promotions_keep_the_previous_champion_and_a_journal(registry, register, promote):
    register("one"), register("two", 3.0)
    assert promote("1", None, "first").changed
    assert promote("2", "1", "second").changed
    assert registry.resolve("flights", "champion").version == "2"
    assert registry.resolve("flights", "previous").version == "1"
    assert moves(registry) == [
        (1, "champion", None, "1", "first"),
        (2, "previous", None, "1", "second"),
        (3, "champion", "1", "2", "second"),
    ]
    told = registry.journal("flights")[-1]
    assert (told.at, told.actor, told.reason) == (AT, "a test", "better")


def test_a_promotion_that_is_asked_for_again_changes_nothing(registry, register, promote):
    register("one"), register("two", 3.0)
    promote("1", None, "first"), promote("2", "1", "second")
    before = moves(registry)
    assert not promote("2", "1", "second").changed
    assert moves(registry) == before


def test_a_promotion_against_another_champion_is_refused(registry, register, promote):
    register("one"), register("two", 3.0)
    promote("1", None, "first")
    with pytest.raises(AliasMoved, match="expected no version, got version 1; it stays there"):
        promote("2", None, "second")
    assert registry.resolve("flights", "champion").version == "1"
    assert len(moves(registry)) == 1


def test_a_promoted_challenger_is_challenger_no_longer(registry, register, promote):
    register("one")
    move = {"expected": None, "to": "1", "key": "c", "reason": "new", **BY}
    assert registry.move_alias("flights", "challenger", **move).changed
    assert not registry.move_alias("flights", "challenger", **move).changed
    promote("1", None)
    with pytest.raises(NoSuchAlias):
        registry.resolve("flights", "challenger")
    assert [alias for _, alias, *_ in moves(registry)] == ["challenger", "champion", "challenger"]


def test_an_alias_of_a_version_that_is_not_there_is_refused(registry, register, promote):
    register("one")
    with pytest.raises(NoSuchVersion):
        promote("2", None)
    assert moves(registry) == []


def test_a_package_is_fetched_whole_and_verified(registry, register, tmp_path):
    from model_registry.package import load_package

    version = register("one", 3.0)
    package = registry.fetch(version, tmp_path / "cache")
    rows = pd.DataFrame({"distance": [1.0], "carrier": ["UA"], "hour": [5]})
    assert list(load_package(package).predict_frame(rows)) == [16.0]
    (package / "model.json").write_text("{}")  # a damaged cache is no reason to fail
    assert registry.fetch(version, tmp_path / "cache") == package
    assert "3.0" in (package / "model.json").read_text()


def test_the_model_of_a_run_is_fetched_before_it_is_registered(registry, train, tmp_path):
    run = train("k", 3.0)
    package = registry.fetch_trained(run.run_id, run.digest, tmp_path / "cache")
    assert "3.0" in (package / "model.json").read_text()
    with pytest.raises(NoSuchRun):
        registry.fetch_trained("0" * 32, "0" * 64, tmp_path / "cache")


def test_a_tampered_package_is_never_loaded(registry, register, tmp_path):
    version = register("one")
    for stored in tmp_path.rglob("package/model.json"):
        stored.write_text('{"hour": 100.0}')
    with pytest.raises(TamperedModel, match=r"was changed after it was registered, and is not loaded"):
        registry.fetch(version, tmp_path / "cache")


def test_there_is_no_trash_where_nothing_was_deleted(registry, register):
    register("one")
    assert registry.trash(["flights"], deleted_before=datetime.now(UTC)) == []
    registry.empty_trash([])
    assert not registry.is_server


def test_the_twin_has_every_method_of_the_registry_with_the_same_arguments():
    for name, member in vars(Registry).items():
        if name.startswith("_"):
            continue
        twin = vars(MemoryRegistry).get(name)
        assert twin is not None, f"MemoryRegistry lacks {name}"
        if callable(member):
            assert list(inspect.signature(twin).parameters) == list(inspect.signature(member).parameters), name


def test_the_twin_remembers_and_recalls(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    registry = MemoryRegistry(tmp_path / "registry")
    before = registry.remembered()
    run = log(registry, "k", write_package(tmp_path / "package"), tmp_path / "roc.png")
    registry.register_once("flights", key="k", run_id=run.run_id, description="", tags={})
    registry.recall(before)
    with pytest.raises(NoSuchModel):
        registry.versions("flights")
