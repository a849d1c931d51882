"""Models that nobody trained here: made in MLflow by hand, with a pickle that would do something when it is read."""

import pickle
from pathlib import Path

import pytest

from model_registry import TamperedModel


class Poison:
    """Pickled, it is a call that writes a file."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return Path.touch, (self.canary,)


@pytest.fixture
def canary(tmp_path):
    """A file that must never come to be; reading the poison makes it."""
    path = tmp_path / "canary"
    pickle.loads(pickle.dumps(Poison(path)))  # noqa: S301 - the poison works
    path.unlink()
    return path


@pytest.fixture
def client(registry):
    return registry._store.client


@pytest.fixture
def register_by_hand(client, tmp_path):
    """Register a folder with an MLflow model whose Python object is the poison, as a person can in MLflow's pages."""

    def register(canary, tags=None):
        folder = tmp_path / "by-hand"
        (folder / "artifacts/package").mkdir(parents=True)
        (folder / "MLmodel").write_text(
            "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    python_model: python_model.pkl\n"
            "    cloudpickle_version: 3.1.1\n    python_version: 3.11.0\n    env: {}\n"
        )
        for name in ("python_model.pkl", "artifacts/package/model.pkl"):
            (folder / name).write_bytes(pickle.dumps(Poison(canary)))
        client.create_registered_model("by_hand")
        return client.create_model_version("by_hand", source=folder.as_uri(), tags=tags or {}).version

    return register


def test_mlflow_itself_would_read_the_pickle(register_by_hand, registry, canary, monkeypatch):
    """What the other tests of this file are worth."""
    import mlflow

    number = register_by_hand(canary)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    source = registry.version("by_hand", str(number)).source
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it says: the harm is done
        mlflow.pyfunc.load_model(source)
    assert canary.exists()


def test_our_manners_keep_mlflow_from_reading_pickles(register_by_hand, registry, canary):
    import mlflow

    source = registry.version("by_hand", str(register_by_hand(canary))).source
    with pytest.raises(mlflow.MlflowException, match="MLFLOW_ALLOW_PICKLE_DESERIALIZATION"):
        mlflow.pyfunc.load_model(source)
    assert not canary.exists()


def test_version_made_by_hand_is_refused_even_as_champion(register_by_hand, registry, client, canary, tmp_path):
    client.set_registered_model_alias("by_hand", "champion", register_by_hand(canary))
    champion = registry.resolve("by_hand", "champion")
    with pytest.raises(TamperedModel) as caught:
        registry.fetch(champion, tmp_path / "cache")
    told = str(caught.value)
    assert told.startswith("by_hand version 1 has no recorded digest of its files: it was not registered by Nightshift")
    assert "move it back" in told
    assert "nightshift train by_hand" in told
    assert not canary.exists()
    assert not (tmp_path / "cache").exists()


def test_tags_of_a_registered_version_do_not_make_a_stranger_one_of_ours(
    register_by_hand, registry, register, canary, tmp_path
):
    number = register_by_hand(canary, tags=dict(register().tags))
    with pytest.raises(TamperedModel, match="by_hand version 1 was changed after it was registered"):
        registry.fetch(registry.version("by_hand", str(number)), tmp_path / "cache")
    assert not canary.exists()


def test_pickle_that_was_put_beside_a_registered_model_is_refused(registry, register, canary, tmp_path):
    version = register()
    (Path(version.source) / "artifacts/package/model.pkl").write_bytes(pickle.dumps(Poison(canary)))
    with pytest.raises(TamperedModel, match=r"File: artifacts/package/model\.pkl"):
        registry.fetch(version, tmp_path / "cache")
    assert not canary.exists()
