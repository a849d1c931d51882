"""A place with a vault: it is backed up, destroyed, restored, and judged."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightshift.backup import create_backup, parts_of, restore_backup, verify_backup
from nightshift.backup.manifest import Manifest
from nightshift.backup.plan import Part
from nightshift.backup.restore import Restored
from nightshift.backup.vault import Vault
from nightshift.backup.verify import Verified
from nightshift.drill.oracle.files import Folder
from nightshift.drill.oracle.verdict import Scene, Verdict, judge
from pipelines.engine.runtime import no_progress
from pipelines.engine.storage import Storage
from tests.pipelines.engine.steps import tides
from tests.pipelines.engine.steps.places import Place, run_night, run_training

FIRST, SECOND, THIRD = tides.NIGHTS


def train_and_score(place: Place, *, nights: int, train: bool = True) -> None:
    """Make a champion, and publish some nights."""
    if train:
        assert run_training(place).promoted["promoted"]
    for night in tides.NIGHTS[:nights]:
        run_night(place, night)


@dataclass
class World:
    """A place on this machine, and where its backups lie."""

    place: Place
    vault: Path

    @property
    def storage(self) -> Storage:
        return Storage(self.vault.parent / "working")

    @property
    def parts(self) -> list[Part]:
        return parts_of(self.place.settings)

    def open_vault(self) -> Vault:
        return Vault(self.storage.at(str(self.vault)))

    def back_up(self, *, before: str = "", do: Callable[[], object] = lambda: None) -> Manifest:
        """Make a backup; right before a part is copied, do something."""
        done: list[object] = []

        def progress(_: int, __: int, what: str) -> None:
            if before and what.startswith(f"{before}:") and not done:
                done.append(True)
                do()

        made = create_backup(self.parts, str(self.vault), self.storage, progress)
        assert bool(done) == bool(before)
        return made

    def restore(self, **options: Any) -> Restored:
        return restore_backup(self.parts, str(self.vault), self.storage, no_progress, **options)

    def verify(self) -> Verified:
        return verify_backup(str(self.vault), self.storage, no_progress)

    def destroy(self) -> None:
        shutil.rmtree(self.place.home)
        self.place._runtime = None

    def judged(self, nights: Sequence[str]) -> Verdict:
        tables = self.place.home / "tables"
        scene = Scene(
            rows=self.place.home / "data/tides/rows",
            tables=Folder(tables),
            tables_url=str(tables),
            ledger_url=self.place.settings.ledger_url,
            mlflow=self.place.home / "mlflow/mlflow.db",
            model="tides",
            table="tides/predictions",
            id_column="buoy",
        )
        return judge(scene, nights)

    def claims_of(self, work: Callable[[], object]) -> int:
        """Count the keys that are claimed while something is done."""
        ledger = self.place.ledger
        before = ledger.claims_since(0.0)
        work()
        return ledger.claims_since(0.0) - before
