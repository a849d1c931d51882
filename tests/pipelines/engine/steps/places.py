"""Places where the small pipeline lives: a home folder with data, a ledger and an MLflow store, and its steps in order."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime, open_runtime
from pipelines.engine.settings import Settings, read_settings
from tests.pipelines.engine.steps import tides

ROOT = Path(__file__).resolve().parents[4]


@contextlib.contextmanager
def known_suites() -> Iterator[None]:
    """Let the suites of the small pipeline be known, as if they lay in `data_checks/suites/`."""
    import data_checks
    import data_checks.suites

    more = MappingProxyType({**data_checks.suites.SUITES, **tides.SUITES})
    with pytest.MonkeyPatch.context() as patch:
        for module in (data_checks, data_checks.suites):
            patch.setattr(module, "SUITES", more)
        yield


@dataclasses.dataclass
class Place:
    """A home folder and the pipeline that lives there."""

    home: Path
    pipeline: Pipeline
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self._runtime: Runtime | None = None

    @property
    def settings(self) -> Settings:
        # A compilation is a process of its own, and takes longer than a night here: the tests that want one say so.
        settings = read_settings({"NIGHTSHIFT_HOME": str(self.home), "NIGHTSHIFT_COMPILE": "0"})
        return dataclasses.replace(settings, **self.changes)

    @property
    def runtime(self) -> Runtime:
        if self._runtime is None:
            self._runtime = open_runtime(self.settings)
        return self._runtime

    def changed(self, pipeline: Pipeline | None = None, **settings: Any) -> Place:
        """The same home with other settings, or for another declaration of the pipeline."""
        return Place(self.home, pipeline or self.pipeline, {**self.changes, **settings})

    def declared(self, **changes: Any) -> Place:
        """The same home with the pipeline declared otherwise."""
        return self.changed(tides.declare(**changes))

    @property
    def ledger(self):
        return self.runtime.ledger

    def rows(self, night: str) -> Path:
        """Where the rows of a night are delivered."""
        return Path(self.settings.data) / "tides" / "rows" / f"{night}.parquet"

    def labels(self, night: str) -> Path:
        return Path(self.settings.data) / "tides" / "labels" / f"{night}.parquet"

    @property
    def predictions(self) -> Path:
        return Path(self.settings.tables) / "tides" / "predictions"

    def table(self, version: int | None = None):
        """The published Delta table."""
        from deltalake import DeltaTable

        return DeltaTable(str(self.predictions), version=version)

    def published(self, night: str, version: int | None = None):
        """The published rows of a night, by buoy."""
        frame = self.table(version).to_pandas(partitions=[("night", "=", night)])
        return frame.sort_values("buoy", ignore_index=True)

    def versions(self) -> int:
        """The newest version of the published table, or -1 if there is none."""
        from deltalake import DeltaTable

        return self.table().version() if DeltaTable.is_deltatable(str(self.predictions)) else -1

    def is_published(self, night: str) -> bool:
        return self.versions() >= 0 and len(self.published(night)) > 0

    def failed(self) -> dict[str, str]:
        """Step to error of every key that failed."""
        return {entry.step: entry.error or "" for entry in self.ledger.entries() if entry.state == "failed"}

    def environment(self) -> dict[str, str]:
        """Variables for a process of its own that works in this place."""
        path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
        return {**os.environ, "NIGHTSHIFT_HOME": str(self.home), "NIGHTSHIFT_COMPILE": "0", "PYTHONPATH": path}

    def copied_to(self, home: Path) -> Place:
        shutil.copytree(self.home, home)
        return Place(home, self.pipeline)


def validate(place: Place, night: str) -> dict[str, Any]:
    from pipelines.engine.steps.validate import validate_night

    return validate_night(place.runtime, place.pipeline, night)


def plan(place: Place, checked: dict[str, Any]) -> list[dict[str, Any]]:
    from pipelines.engine.steps.plan import plan_night

    return plan_night(place.runtime, place.pipeline, checked)


def score(place: Place, shard: dict[str, Any]) -> dict[str, Any]:
    from pipelines.engine.steps.score import score_night_shard

    return score_night_shard(place.runtime, place.pipeline, shard)


def publish(place: Place, checked: dict[str, Any], scored: list[dict[str, Any]]) -> dict[str, Any]:
    from pipelines.engine.steps.publish import publish_night

    return publish_night(place.runtime, place.pipeline, checked, scored)


def monitor(place: Place, checked: dict[str, Any], published: dict[str, Any]) -> dict[str, Any]:
    from pipelines.engine.steps.monitor import monitor_night

    return monitor_night(place.runtime, place.pipeline, checked, published)


@dataclasses.dataclass
class Night:
    """What the steps of one night gave back."""

    checked: dict[str, Any]
    planned: list[dict[str, Any]]
    scored: list[dict[str, Any]]
    published: dict[str, Any]
    seen: dict[str, Any]


def run_night(place: Place, night: str) -> Night:
    """Validate -> plan -> score (each shard) -> publish -> monitor."""
    checked = validate(place, night)
    planned = plan(place, checked)
    scored = [score(place, shard) for shard in planned]
    published = publish(place, checked, scored)
    return Night(checked, planned, scored, published, monitor(place, checked, published))


@dataclasses.dataclass
class Training:
    """What the steps of one training gave back."""

    checked: dict[str, Any]
    trained: dict[str, Any]
    judged: dict[str, Any]
    registered: dict[str, Any]
    promoted: dict[str, Any] | None = None


def judge_training(place: Place, as_of: str = tides.AS_OF) -> Training:
    """Validate -> train -> evaluate -> register, and no promotion."""
    from pipelines.engine.steps.evaluate import evaluate
    from pipelines.engine.steps.promote import register
    from pipelines.engine.steps.train import train
    from pipelines.engine.steps.validate_training import validate_training

    runtime, pipeline = place.runtime, place.pipeline
    checked = validate_training(runtime, pipeline, as_of)
    trained = train(runtime, pipeline, checked)
    judged = evaluate(runtime, pipeline, checked, trained)
    return Training(checked, trained, judged, register(runtime, pipeline, trained, judged))


def promote(place: Place, training: Training) -> dict[str, Any]:
    from pipelines.engine.steps.promote import promote

    return promote(place.runtime, place.pipeline, training.registered, training.judged, actor="test")


def run_training(place: Place, as_of: str = tides.AS_OF) -> Training:
    """Validate -> train -> evaluate -> register -> promote."""
    training = judge_training(place, as_of)
    training.promoted = promote(place, training)
    return training


def champion(place: Place) -> str | None:
    from pipelines.engine.steps.champion import find_champion

    found = find_champion(place.runtime, place.pipeline)
    return found.version if found else None


@pytest.fixture(autouse=True)
def _suites():
    with known_suites():
        yield


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory, migrated_file):
    """Data, an empty ledger and an empty MLflow store; to be copied and never used."""
    from model_registry import Registry

    with known_suites():
        place = Place(tmp_path_factory.mktemp("fresh") / "home", tides.declare())
        tides.deliver(Path(place.settings.data))
        shutil.copy(migrated_file, place.home / "ledger.db")
        with Registry(place.settings.tracking_uri, place.settings.artifacts)._store.speaking():
            return place


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory, fresh_home):
    """The same after one training: version 1 is champion; to be copied and never used."""
    with known_suites():
        place = fresh_home.copied_to(tmp_path_factory.mktemp("trained") / "home")
        assert run_training(place).promoted["promoted"]
        return place


@pytest.fixture
def fresh(fresh_home, tmp_path):
    """A place without a champion."""
    return fresh_home.copied_to(tmp_path / "home")


@pytest.fixture
def place(trained_home, tmp_path):
    """A place whose champion is version 1."""
    return trained_home.copied_to(tmp_path / "home")


@pytest.fixture(scope="session")
def moved_home(tmp_path_factory, trained_home):
    """Version 2 replaced version 1; version 3 is refused by the gate. To be copied and never used."""
    from pipelines.engine.pipeline import Gate

    with known_suites():
        place = trained_home.copied_to(tmp_path_factory.mktemp("moved") / "home")
        assert run_training(place.declared(fit=tides.fit_linear)).promoted["promoted"]
        refused = place.declared(fit=tides.fit_badly, gate=Gate(metric="roc_auc", threshold=0.0))
        assert not run_training(refused).promoted["promoted"]
        return place


@pytest.fixture
def moved(moved_home, tmp_path):
    """A place where version 2 is champion, version 1 previous, and version 3 refused."""
    return moved_home.copied_to(tmp_path / "home")
