import pytest

from model_registry import KeyConflict, NoSuchAlias, NoSuchModel, NoSuchRun, NoSuchVersion, RunUnfinished


def register(registry, run, key="key"):
    return registry.register_once(
        "flights", key=key, run_id=run.run_id, description="text", tags={"night": "2013-11-01"}
    )


def test_three_retries_give_one_version(registry, train):
    run = train()
    made = [register(registry, run) for _ in range(3)]
    assert made[0] == made[1] == made[2]
    assert [each.version for each in registry.versions("flights")] == ["1"]


def test_version_carries_key_digest_tags_and_metrics(registry, train):
    run = train()
    version = register(registry, run)
    assert (version.version, version.run_id, version.key, version.digest) == ("1", run.run_id, "key", run.digest)
    assert version.metrics == {"auc": 0.71}
    assert version.tags["night"] == "2013-11-01"
    assert version.tags["nightshift.package_digest"]


def test_tags_lost_by_a_kill_are_repaired(registry, train):
    run = train()
    first = register(registry, run)
    for tag in ("nightshift.digest", "night"):
        registry._store.client.delete_model_version_tag("flights", "1", tag)
    assert register(registry, run) == first


def test_key_is_written_in_the_same_transaction_as_the_version(registry, train, monkeypatch):
    """The process dies right after MLflow answered: the next call finds the version by its key."""
    run, client = train(), registry._store.client
    real = client.create_model_version

    def then_die(*args, **kwargs):
        real(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "create_model_version", then_die)
    with pytest.raises(KeyboardInterrupt):
        register(registry, run)
    monkeypatch.undo()
    assert register(registry, run).version == "1"
    assert len(registry.versions("flights")) == 1


def test_lowest_of_racing_duplicates_wins(registry, train):
    run = train()
    first = register(registry, run)
    registry._store.client.create_model_version("flights", first.source, run.run_id, tags=dict(first.tags))
    assert register(registry, run).version == "1"
    duplicate = registry.version("flights", "2")
    assert duplicate.tags["nightshift.duplicate_of"] == "1"


def test_key_with_other_model_files_is_a_conflict(registry, train, make_package):
    register(registry, train("a"))
    other = train("b", package=make_package("other", weight=3.0))
    with pytest.raises(KeyConflict, match="One key stands for one result") as caught:
        register(registry, other)
    assert other.run_id in str(caught.value)


def test_same_files_logged_twice_are_one_version(registry, train):
    assert register(registry, train("a")).version == register(registry, train("b")).version


def test_unfinished_run_is_not_registered(registry, train):
    experiment = registry._store.client.get_run(train().run_id).info.experiment_id
    run = registry._store.client.create_run(experiment)
    with pytest.raises(RunUnfinished, match="status RUNNING"):
        registry.register_once("flights", key="k", run_id=run.info.run_id, description="", tags={})


def test_unknown_run_is_not_registered(registry):
    with pytest.raises(NoSuchRun):
        registry.register_once("flights", key="k", run_id="0" * 32, description="", tags={})


def test_unknown_model_names_the_nearest_and_the_command(registry, register):
    register()
    with pytest.raises(NoSuchModel, match="Did you mean 'flights'") as caught:
        registry.resolve("flight", "champion")
    assert "nightshift train flight" in str(caught.value)


def test_unknown_alias_lists_those_there_are(registry, register):
    register()
    registry.promote("flights", to="1", expected=None, key="p", actor="test", reason="first")
    with pytest.raises(NoSuchAlias, match="champion -> 1") as caught:
        registry.resolve("flights", "challenger")
    assert "nightshift train flights" in str(caught.value)


def test_unknown_version_lists_those_there_are(registry, register):
    register()
    with pytest.raises(NoSuchVersion, match="Its versions: 1"):
        registry.version("flights", "7")


def test_version_outlives_its_run(registry, register):
    version = register()
    client = registry._store.client
    client._tracking_client.store._hard_delete_run(version.run_id)
    assert registry.version("flights", "1").metrics == {}
