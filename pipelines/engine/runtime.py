"""What a step needs around it: settings, the ledger, the model registry, and where files belong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from model_registry import Registry
from pipelines.engine.clock import REAL, Clock
from pipelines.engine.errors import NightshiftError, PathRefused
from pipelines.engine.home import private_folder
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger.store import Ledger
from pipelines.engine.ledger.values import moment
from pipelines.engine.pipeline import Pipeline, Progress
from pipelines.engine.replay import read_clock
from pipelines.engine.run_once import Hold, Outcome, run_once
from pipelines.engine.settings import Settings, read_settings
from pipelines.engine.sources import Ask, address_of, ask_nobody
from pipelines.engine.storage import Credentials, Location, Storage
from pipelines.engine.storage.credentials import machine_credentials

log = logging.getLogger(__name__)


def no_progress(done: int, total: int, what: str) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Runtime:
    """One process's doors to the outside.

    Attributes:
        settings: Where things are.
        ledger: Remembers task keys.
        registry: Keeps models.
        storage: Reaches files, here or in an object store.
        wait: Wait for a busy key instead of raising `KeyBusy`.
        progress: Told how far long work has come.
        clock: Which time it is for nights, by the ledger's time.
        connections: Asked where a database is that rows come from, if the settings do not say.
    """

    settings: Settings
    ledger: Ledger
    registry: Registry
    storage: Storage
    wait: bool = False
    progress: Progress = field(default=no_progress)
    clock: Clock = REAL
    connections: Ask = ask_nobody

    def run(
        self,
        key: TaskKey,
        work: Callable[[Hold], dict[str, Any]],
        *,
        payload: object = None,
        outputs: Callable[[dict[str, Any]], list[Location]] | None = None,
    ) -> dict[str, Any]:
        """Do the work once, and return its result with the key's digest as `key`.

        Args:
            key: What the work is.
            work: Does it.
            payload: What the key promises to determine.
            outputs: Files that a recorded result relies on. When one is gone, the work is done again on purpose.

        Raises:
            Whatever `run_once` raises.
        """
        outcome = self._once(key, work, payload)
        gone = self._gone(outcome, outputs)
        if gone:
            log.warning("%s was done, but %s: it is done again", key, gone)
            self.ledger.force(key.digest, holder="nightshift", reason=gone, fence=outcome.fence)
            outcome = self._once(key, work, payload)
        return {**outcome.result, "key": key.digest}

    def _once(self, key: TaskKey, work: Callable[[Hold], dict[str, Any]], payload: object) -> Outcome:
        def on_wait(message: str) -> None:
            log.info("%s", message)
            self.progress(0, 0, message)

        try:
            return run_once(self.ledger, key, work, payload=payload, wait=self.wait, on_wait=on_wait)
        except NightshiftError as error:
            error.key = error.key or key.digest
            raise

    def _gone(self, outcome: Outcome, outputs: Callable[[dict[str, Any]], list[Location]] | None) -> str | None:
        """Say which output of earlier work cannot be used any more, or return None."""
        if outcome.fresh or outputs is None:
            return None
        try:
            gone = [output for output in outputs(outcome.result) if not output.exists()]
        except PathRefused:
            return "its output lies where it does not belong now"
        return f"its output {gone[0]} is gone" if gone else None

    def today(self) -> date:
        """Return the date in UTC in which nights are: by the ledger's clock, or the replayed one."""
        return self.now().date()

    def now(self) -> datetime:
        """Return the time in UTC in which nights are: by the ledger's clock, or the replayed one."""
        return moment(self.clock.shows(self.ledger.now())).astimezone(UTC)

    def rows_folder(self, pipeline: Pipeline) -> Location:
        """Where the rows of nights are delivered."""
        return self.storage.at(self.settings.data) / pipeline.name / "rows"

    def labels_folder(self, pipeline: Pipeline) -> Location:
        """Where the labels of nights are delivered."""
        return self.storage.at(self.settings.data) / pipeline.name / "labels"

    def database(self, connection: str) -> str:
        """Return the address of a database that rows come from.

        Raises:
            UsageError: Nobody knows it.
        """
        return address_of(self.settings, connection, self.connections)

    def predictions(self, pipeline: Pipeline) -> Location:
        """The published Delta table."""
        return self.storage.at(self.settings.tables) / pipeline.name / "predictions"

    def quarantine(self, pipeline: Pipeline) -> Location:
        """Where refused rows are kept."""
        return self.storage.at(self.settings.tables) / pipeline.name / "quarantine"

    def compiled(self, pipeline: Pipeline) -> Location:
        """Where machine code of the pipeline's models is kept, by model digest."""
        return self.storage.at(self.settings.tables) / pipeline.name / "compiled"

    def reports(self, pipeline: Pipeline, partition: str) -> Location:
        """Where the reports of a night or a training lie."""
        return self.storage.at(self.settings.reports) / pipeline.name / partition


def open_runtime(
    settings: Settings | None = None,
    *,
    wait: bool = False,
    progress: Progress = no_progress,
    credentials: Credentials = machine_credentials,
    connections: Ask = ask_nobody,
) -> Runtime:
    """Open what the settings name, and make sure that the ledger can be used.

    Args:
        settings: Where things are; by default what the environment says.
        wait: Wait for a busy key instead of raising `KeyBusy`.
        progress: Told how far long work has come.
        credentials: Who we are at an object store, asked when it is first used.
        connections: Asked where a database is that rows come from, if the settings do not say.

    Raises:
        LedgerUnavailable, LedgerNotMigrated, UsageError: In words that say what to do.
    """
    settings = settings or read_settings()
    with suppress(OSError):  # where nothing lives in the home, it need not be there
        private_folder(settings.home)
    ledger = Ledger(settings.ledger_url, lease_seconds=settings.lease_seconds)
    ledger.check()
    registry = Registry(
        settings.tracking_uri,
        settings.artifacts,
        ui_url=settings.mlflow_ui,
        credentials=settings.tracking_credentials,
    )
    storage = Storage(settings.cache, credentials)
    return Runtime(settings, ledger, registry, storage, wait, progress, read_clock(settings), connections)
