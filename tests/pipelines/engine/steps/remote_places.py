"""The small pipeline's places in an object store: rows, labels, tables and reports lie in a bucket."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime, open_runtime
from pipelines.engine.storage import Credentials, Location, Storage
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import Place


@dataclasses.dataclass
class RemotePlace(Place):
    """A home folder, and a bucket for everything that is shared; `root` such as `s3://bucket`."""

    root: str = ""
    credentials: Credentials | None = None
    wait: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = ("data", "tables", "reports")
        self.changes = {**{kind: f"{self.root}/{kind}" for kind in kinds}, **self.changes}

    @property
    def runtime(self) -> Runtime:
        if self._runtime is None:
            assert self.credentials is not None
            self._runtime = open_runtime(self.settings, credentials=self.credentials, wait=self.wait)
        return self._runtime

    def changed(self, pipeline: Pipeline | None = None, **settings: object) -> RemotePlace:
        """The same place on another machine, with other settings, or for another declaration of the pipeline."""
        changes = {**self.changes, **settings}
        return dataclasses.replace(self, pipeline=pipeline or self.pipeline, changes=changes)

    def location(self, kind: str, night: str) -> Location:
        """Where rows or labels of a night are delivered."""
        return self.runtime.storage.at(self.settings.data) / f"tides/{kind}/{night}.parquet"

    def deliver(self, night: str, *, seed: int = 0) -> None:
        """Deliver rows."""
        with self.location("rows", night).writing() as temporary:
            tides.write(tides.make_rows(night, seed=seed), temporary)

    @property
    def predictions(self) -> Location:
        return self.runtime.predictions(self.pipeline)

    def table(self, version: int | None = None):
        """The published Delta table."""
        from deltalake import DeltaTable

        return DeltaTable(str(self.predictions), version=version, storage_options=self.predictions.delta_options())

    def versions(self) -> int:
        """The newest version of the published table, or -1 if there is none."""
        from deltalake.exceptions import TableNotFoundError

        try:
            return self.table().version()
        except TableNotFoundError:
            return -1


def move(place: Place, root: str, credentials: Credentials, *, all_nights: bool = False) -> RemotePlace:
    """Move a place's rows and labels into a bucket; its ledger and its models stay."""
    folder = Path(place.settings.data)
    data = Storage(place.home / "cache", credentials).at(f"{root}/data")
    for file in sorted(folder.rglob("*.parquet")):
        if all_nights or file.stem in tides.NIGHTS:
            (data / file.relative_to(folder).as_posix()).write_file(file)
        file.unlink()
    return RemotePlace(place.home, place.pipeline, root=root, credentials=credentials)
