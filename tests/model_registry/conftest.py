import json
import os
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from model_registry import Registry, mlflow_environment

HERE = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def _surroundings():
    """The loader's module can be imported, and MLflow's manners do not leak into other tests."""
    before = dict(os.environ)
    sys.path.insert(0, str(HERE))
    os.environ.update(mlflow_environment())
    yield
    sys.path.remove(str(HERE))
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """An MLflow database with its tables: made once, copied by each test."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    registry = Registry(f"sqlite:///{path}")
    with registry._store.speaking():
        return path


@pytest.fixture
def database(empty_database, tmp_path):
    return shutil.copy(empty_database, tmp_path / "mlflow.db")


@pytest.fixture
def registry(database):
    return Registry(f"sqlite:///{database}")


def write_package(path, weight=2.0, loader="linear_loader:load"):
    path.mkdir()
    manifest = {"family": "linear", "features": ["distance", "carrier", "hour"], "loader": loader}
    (path / "package.json").write_text(json.dumps(manifest))
    (path / "model.json").write_text(json.dumps({"hour": weight}))
    (path / "encoding.json").write_text("{}")
    (path / "profile.json").write_text('{"rows": 3}')
    return path


def make_rows():
    return pd.DataFrame({"distance": [1.0, 2.0, None], "carrier": ["UA", "B6", None], "hour": [5, 6, 7]})


def log(registry, key, package, picture, **changes):
    picture.write_bytes(b"picture")
    arguments = {
        "experiment": "flights",
        "run_name": "2013-11-01",
        "parameters": {"trees": 100, "objective": "binary", "window": ["2013-09-01", "2013-10-31"]},
        "metrics": {"auc": 0.71},
        "tags": {"code_version": "abc"},
        "dataset": {"name": "flights", "digest": "f" * 64, "source": "/data/flights"},
        "input_example": make_rows(),
        "pictures": {"roc": picture},
    }
    return registry.log_training(key=key, package=package, **{**arguments, **changes})


@pytest.fixture
def rows():
    return make_rows()


@pytest.fixture
def make_package(tmp_path):
    """Make a package directory under a name."""
    return lambda name, **changes: write_package(tmp_path / name, **changes)


@pytest.fixture
def train(registry, make_package, tmp_path):
    """Log a training; each has a package of its own, with the same model in it, unless one is given."""

    def train_one(key="flights/train/1", registry=registry, package=None, **changes):
        package = package or make_package(f"package-{len(list(tmp_path.iterdir()))}")
        return log(registry, key, package, tmp_path / "any.png", **changes)

    return train_one


@pytest.fixture(scope="session")
def database_with_three_versions(empty_database, tmp_path_factory):
    """A model `flights` with versions 1, 2 and 3 of one run, under the keys k1, k2 and k3."""
    home = tmp_path_factory.mktemp("three")
    database = shutil.copy(empty_database, home / "mlflow.db")
    registry = Registry(f"sqlite:///{database}")
    run = log(registry, "train", write_package(home / "package"), home / "any.png")
    for number in (1, 2, 3):
        registry.register_once("flights", key=f"k{number}", run_id=run.run_id, description="", tags={})
    return database


@pytest.fixture
def register(registry, train):
    """Train and register a version under a key."""

    def make(key="one", registry=registry, **changes):
        run = train(key, registry=registry, **changes)
        return registry.register_once("flights", key=key, run_id=run.run_id, description="a test", tags={"night": "x"})

    return make
