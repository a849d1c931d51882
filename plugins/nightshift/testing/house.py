"""A house for a test: a folder with a ledger, a store and a model registry of its own, and a clock that the test sets.

Ledger, storage and steps are the real ones. The registry is a twin in memory unless another one is given, and time is the
clock's. What a night needs beyond that (rows, a champion) the test delivers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest import mock

from nightshift.testing import present
from nightshift.testing.clock import Clock
from nightshift.testing.registry import MemoryRegistry
from pipelines.engine.errors import LedgerError, UsageError
from pipelines.engine.pipeline import Pipeline
from pipelines.engine.settings import read_settings

if TYPE_CHECKING:
    import pandas as pd

    from model_registry import ModelVersion, Registry
    from pipelines.engine.ledger.store import Ledger
    from pipelines.engine.runtime import Runtime
    from pipelines.engine.settings import Settings

PREFIX = "NIGHTSHIFT_"


class House:
    """Everything that a step needs around it, in a folder; open inside a `with` block.

    Operators, triggers and commands that run in this process inside the block find the house by themselves: it sets
    `NIGHTSHIFT_HOME` and the like, and puts them back.

    Args:
        home: The folder; made if it is missing.
        at: Where the clock begins, such as `2013-11-19T07:00:00Z`; this machine's time by default.
        pipelines: Pipelines that are declared by the test, and lie in no folder of `pipelines/`.
        registry: Another registry than the twin, such as a real one on SQLite.
        environment: More variables for the settings, such as `{"NIGHTSHIFT_LEASE_SECONDS": "5"}`.
    """

    def __init__(
        self,
        home: Path,
        *,
        at: datetime | str | None = None,
        pipelines: Mapping[str, Pipeline] | None = None,
        registry: Registry | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.clock = Clock(at)
        self.pipelines = dict(pipelines or {})
        self.registry: Registry = registry if registry is not None else MemoryRegistry(home / "registry")
        self.is_cut_off = False
        """An attempt was killed, and reaches the ledger no longer."""
        self._environment = dict(environment or {})
        self._stack = ExitStack()

    def __enter__(self) -> House:
        present.enter(self)
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        runtime = self.__dict__.pop("runtime", None)
        if runtime is not None:
            runtime.ledger.rest()
        self._stack.close()
        present.leave(self)

    def _open(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.ledger_file.exists():
            self.ledger_file.write_bytes(_empty_ledger())
        others = [name for name in os.environ if name.startswith(PREFIX)]
        # Machine code takes longer to make than a small night to score; a test that wants it says so.
        ours = {"NIGHTSHIFT_HOME": str(self.home), "NIGHTSHIFT_COMPILE": "0", **self._environment}
        self._stack.enter_context(mock.patch.dict(os.environ, ours))
        for name in set(others) - ours.keys():
            del os.environ[name]  # put back with the rest
        self._stack.enter_context(mock.patch("pipelines.engine.runtime.Registry", self._open_registry))
        self._stack.enter_context(mock.patch("nightshift.operators.base.load_pipeline", self.pipeline))
        self._watch_connections()

    def _open_registry(self, *_: object, **__: object) -> Registry:
        return self.registry

    def _watch_connections(self) -> None:
        from sqlalchemy import event
        from sqlalchemy.pool import Pool

        ours = os.path.realpath(self.ledger_file)

        def on_connect(connection: Any, record: Any) -> None:
            listed = connection.execute("PRAGMA database_list").fetchall() if hasattr(connection, "iterdump") else []
            if any(os.path.realpath(file) == ours for _, _, file in listed):
                connection.create_function("julianday", 1, self.clock.julian_day)
                record.info["house"] = self

        def on_checkout(_: Any, record: Any, __: Any) -> None:
            if self.is_cut_off and record.info.get("house") is self:
                raise LedgerError("the attempt was killed: its process is gone, and tells the ledger nothing")

        for name, listener in (("connect", on_connect), ("checkout", on_checkout)):
            event.listen(Pool, name, listener)
            self._stack.callback(event.remove, Pool, name, listener)

    @property
    def ledger_file(self) -> Path:
        """The ledger's database."""
        return self.home / "ledger.db"

    @property
    def settings(self) -> Settings:
        """What the settings say inside the block."""
        return read_settings()

    @cached_property
    def runtime(self) -> Runtime:
        """The doors that a step gets; for tests that call steps without Airflow."""
        from pipelines.engine.runtime import open_runtime

        return open_runtime(self.settings)

    @property
    def ledger(self) -> Ledger:
        """The real ledger, on this house's clock."""
        return self.runtime.ledger

    def pipeline(self, name: str | Pipeline) -> Pipeline:
        """Return a pipeline: one of the test's own, or one that has a folder."""
        from pipelines.engine.catalog import load_pipeline

        if isinstance(name, Pipeline):
            return self.pipelines.setdefault(name.name, name)
        return self.pipelines[name] if name in self.pipelines else load_pipeline(name)

    def deliver(
        self,
        pipeline: str | Pipeline,
        night: str,
        *,
        rows: pd.DataFrame | None = None,
        labels: pd.DataFrame | None = None,
    ) -> list[Path]:
        """Deliver the rows of a night, its labels, or both, as whoever makes them would; a second delivery replaces the first.

        Columns that the pipeline declares get their declared type; others, and missing ones, stay as the frame has them, so
        that a test can deliver a wrong file.

        Args:
            pipeline: Whose, or its name.
            night: Such as `2013-11-19`.
            rows: The rows.
            labels: The labels.

        Returns:
            The files.

        Raises:
            UsageError: Neither was given.
        """
        from nightshift.testing.rows import write_frame

        declared = self.pipeline(pipeline)
        given = {"rows": (rows, declared.rows.columns), "labels": (labels, declared.labels.columns)}
        root = Path(self.settings.data) / declared.name
        written = [
            write_frame(frame, columns, root / kind / f"{night}.parquet")
            for kind, (frame, columns) in given.items()
            if frame is not None
        ]
        if not written:
            raise UsageError(f"nothing was delivered for {declared.name} {night}: give rows=, labels=, or both.")
        return written

    def make_champion(
        self, pipeline: str | Pipeline, *, rows: pd.DataFrame, labels: pd.DataFrame, **knobs: Any
    ) -> ModelVersion:
        """Fit a model on a few rows, and make it champion without asking the gate: for tests of nights, not of trainings.

        Args:
            pipeline: Whose, or its name.
            rows: What it learns from.
            labels: What came true for them.
            **knobs: Of the pipeline's `fit`, instead of their defaults.
        """
        from nightshift.testing.champions import make_champion

        return make_champion(self.runtime, self.pipeline(pipeline), rows, labels, knobs)

    def predictions(self, pipeline: str | Pipeline, night: str | None = None) -> pd.DataFrame:
        """Return what readers see: the published rows of a night, or of all nights; empty if nothing was published."""
        import pandas as pd
        from deltalake import DeltaTable

        declared = self.pipeline(pipeline)
        folder = str(self.runtime.predictions(declared))
        if not DeltaTable.is_deltatable(folder):
            return pd.DataFrame()
        frame: pd.DataFrame = DeltaTable(folder).to_pandas(filters=[("night", "=", night)] if night else None)
        return frame.sort_values(["night", *declared.id_columns], ignore_index=True)


@cache
def _empty_ledger() -> bytes:
    """Return an SQLite file with the ledger's tables; made once in a process."""
    from pipelines.engine.ledger.migrate import migrate

    with TemporaryDirectory(prefix="nightshift-ledger-") as folder:
        path = Path(folder) / "ledger.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()
