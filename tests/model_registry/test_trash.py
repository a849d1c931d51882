"""What was deleted in MLflow goes for good, later, and never what a registered version needs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model_registry import Registry, RegistryRefused, Trash
from model_registry.trash import Row, free


@pytest.fixture
def client(registry):
    return registry._store.client


def soon():
    return datetime.now(UTC) + timedelta(seconds=5)


def found(registry, **changes):
    return registry.trash(**{"experiments": ["flights"], "deleted_before": soon(), **changes})


def files_of(client, run_id):
    return [path for path in Path(client.get_run(run_id).info.artifact_uri).rglob("*") if path.is_file()]


def test_deleted_run_goes_with_its_files(registry, client, train):
    run, kept = train("one"), train("two")
    client.delete_run(run.run_id)
    files = files_of(client, run.run_id)
    assert files
    [trash] = found(registry)
    assert (trash.kind, trash.id) == ("run", run.run_id)
    assert trash.bytes == sum(file.stat().st_size for file in files)
    registry.empty_trash([trash])
    assert not any(file.exists() for file in files)
    assert [each.info.run_id for each in client.search_runs(["1"], run_view_type=3)] == [kept.run_id]
    assert found(registry) == []


def test_run_of_a_registered_version_stays_though_it_was_deleted(registry, client, register):
    version = register()
    client.delete_run(version.run_id)
    assert found(registry) == []
    registry.empty_trash([Trash("run", version.run_id, "", 0.0)])
    assert registry.version("flights", version.version).metrics == {"auc": 0.71}


def test_run_that_was_deleted_lately_stays(registry, client, train):
    client.delete_run(train().run_id)
    assert found(registry, deleted_before=datetime.now(UTC) - timedelta(days=1)) == []


def test_run_that_was_restored_meanwhile_stays(registry, client, train):
    run = train()
    client.delete_run(run.run_id)
    trash = found(registry)
    client.restore_run(run.run_id)
    registry.empty_trash(trash)
    assert client.get_run(run.run_id).info.lifecycle_stage == "active"
    assert files_of(client, run.run_id)


def test_runs_of_other_teams_stay(registry, client, train):
    client.delete_run(train(experiment="of-others").run_id)
    assert found(registry) == []


def test_deleted_logged_model_goes_unless_a_version_is_made_of_it(registry, client, train, register):
    version = register("registered")
    run = train("alone")
    for model in (run.model_uri, version.tags["nightshift.model_id"]):
        client.delete_logged_model(model.removeprefix("models:/"))
    [trash] = found(registry)
    assert (trash.kind, f"models:/{trash.id}") == ("model", run.model_uri)
    assert trash.bytes > 0
    registry.empty_trash([trash])
    assert found(registry) == []
    assert (Path(version.source.removeprefix("file://")) / "MLmodel").is_file()


def test_deleted_experiment_goes_with_its_runs_and_its_name_is_free_again(registry, client, train):
    run = train("one")
    model = Path(client.get_logged_model(run.model_uri.removeprefix("models:/")).artifact_location)
    assert (model / "MLmodel").is_file()
    client.delete_experiment("1")
    with pytest.raises(RegistryRefused, match="was deleted in MLflow"):
        train("two")
    assert {trash.kind for trash in found(registry)} == {"model", "run", "experiment"}
    registry.empty_trash(found(registry))
    assert not (model / "MLmodel").exists()
    assert found(registry) == []
    assert train("two").reused is False


def test_deleted_experiment_that_holds_the_run_of_a_version_stays(registry, client, register):
    version = register()
    client.delete_experiment("1")
    assert found(registry) == []
    assert registry.version("flights", version.version).metrics == {"auc": 0.71}


ROWS = [Row("run", "r", "", 10.0, "1"), Row("run", "s", "", None, "1"), Row("experiment", "1", "", 20.0, "1")]


@pytest.mark.parametrize(
    ("needed", "before", "ids"),
    [({}, 30.0, ["r", "1"]), ({"s"}, 30.0, ["r"]), ({"r"}, 30.0, []), ({}, 15.0, ["r"]), ({}, 10.0, [])],
)
def test_what_is_needed_or_was_deleted_lately_is_not_free(needed, before, ids):
    assert [trash.id for trash in free(ROWS, needed, before)] == ids


def test_looking_makes_no_database(tmp_path):
    assert found(Registry(f"sqlite:///{tmp_path}/mlflow.db")) == []
    assert list(tmp_path.iterdir()) == []


def test_server_empties_its_own_trash():
    registry = Registry("http://127.0.0.1:9")
    assert registry.is_server
    assert found(registry) == []
