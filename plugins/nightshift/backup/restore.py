"""Put a backup back: first everything that nobody relies on, in the end who relies on all of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nightshift.backup import databases, folders
from nightshift.backup.create import copies_in, working
from nightshift.backup.errors import BackupDamaged
from nightshift.backup.manifest import KeptPart, Manifest, disagreements
from nightshift.backup.plan import LEDGER, Part, believing_too_much
from nightshift.backup.vault import LATEST, Vault
from pipelines.engine.errors import UsageError
from pipelines.engine.home import private_folder
from pipelines.engine.pipeline import Progress
from pipelines.engine.storage import Storage


@dataclass(frozen=True)
class Restored:
    """What was put back.

    Attributes:
        name: Of the backup.
        at: When it was begun, in seconds since 1970 by the clock of the ledger's database; later nights are to be run again.
        parts: Names of what was restored, in that order.
        left_out: Parts of the backup that were not, with where they were.
        files: How many files.
        bytes: How many bytes they have.
        released: How many keys were held by somebody when the backup was made; they are open now.
        seconds: How long it took.
        next: What is to be done now, in words.
    """

    name: str
    at: float
    parts: tuple[str, ...]
    left_out: tuple[str, ...]
    files: int
    bytes: int
    released: int
    seconds: float
    next: tuple[str, ...]


def restore_backup(
    parts: Sequence[Part],
    where: str,
    storage: Storage,
    progress: Progress,
    *,
    name: str = LATEST,
    replace: bool = False,
    elsewhere: bool = False,
) -> Restored:
    """Put the parts of a backup back where these parts say.

    Everything is looked at before anything is changed. A restore that was broken off is run again, with `replace`.

    Args:
        parts: Where each part goes. Parts of the backup that are not named here are left alone.
        where: Folder of this machine, or URL, of the vault.
        storage: Reaches folders, here or in an object store.
        progress: Told how far it has come.
        name: Of the backup; the newest by default.
        replace: Whether what lives there may be lost.
        elsewhere: Whether folders may go to other addresses than they had.

    Raises:
        StillThere: Something lives there, or somebody is connected.
        UsageError: There is no such backup, it lacks a part, or a folder would move.
        BackupDamaged: The backup is not what was written.
        BackupError, StorageError: Something cannot be written.
    """
    began = time.monotonic()
    with working(storage) as (storage, folder):
        vault = Vault(storage.at(where))
        manifest = vault.read(name)
        wanted = _wanted(parts, manifest, elsewhere=elsewhere)
        progress(0, 0, "looking at what is there")
        _look_before(wanted, manifest, vault, storage, replace=replace)
        for part, kept in reversed(wanted):
            _put_back(part, kept, vault, storage, progress, folder)
        released = _begin_anew(parts, manifest)
        restored = [kept for _, kept in reversed(wanted)]
        return Restored(
            name=manifest.name,
            at=manifest.at,
            parts=tuple(kept.name for kept in restored),
            left_out=tuple(
                f"--{kept.kind} {kept.name}={kept.address}" for kept in manifest.parts if kept not in restored
            ),
            files=sum(len(kept.files) for kept in restored),
            bytes=sum(kept.bytes for kept in restored),
            released=released,
            seconds=round(time.monotonic() - began, 2),
            next=tuple(_next(manifest, [kept.name for kept in restored])),
        )


def _wanted(parts: Sequence[Part], manifest: Manifest, *, elsewhere: bool) -> list[tuple[Part, KeptPart]]:
    """Return parts with what is to be put there, in the order in which they were copied."""
    named = {part.name: part for part in parts}
    lacking = [name for name in named if manifest.part(name) is None]
    if lacking:
        there = ", ".join(part.name for part in manifest.parts)
        raise UsageError(
            f"the backup {manifest.name} has no {', '.join(lacking)}; it has {there}. Leave them out: "
            f"{' '.join(f'--without {name}' for name in lacking)}"
        )
    wanted = [(named[kept.name], kept) for kept in manifest.parts if kept.name in named]
    moved = [(part, kept) for part, kept in wanted if kept.kind == "folder" and kept.address != part.shown]
    if moved and not elsewhere:
        part, kept = moved[0]
        raise UsageError(
            f"{kept.name} was at {kept.address}, and would go to {part.shown}. The ledger names reports and refused rows by "
            "their addresses, and MLflow the artifacts of a laptop: checks of such nights are done again, and such models do "
            "not load. Restore to the same addresses, or give --elsewhere."
        )
    return wanted


def _look_before(
    wanted: Sequence[tuple[Part, KeptPart]], manifest: Manifest, vault: Vault, storage: Storage, *, replace: bool
) -> None:
    wrong = disagreements(manifest)
    if wrong:
        raise BackupDamaged("; ".join(wrong))
    present = vault.objects()
    for part, kept in wanted:
        if part.name == LEDGER:
            _check_clock(part, manifest)
        gone = [file.path for file in kept.files if present.get(file.sha256) != file.size]
        if gone:
            raise BackupDamaged(
                f"the vault {vault.place} lacks {kept.name}/{gone[0]}; nothing was restored. Take another one."
            )
        if part.kind == "database":
            databases.refuse_if_alive(part, replace=replace)
        else:
            folders.refuse_if_alive(part, storage.at(part.address), replace=replace)


def _check_clock(ledger: Part, manifest: Manifest) -> None:
    """Leases, and which of two runs was planned later, follow this clock: it must not begin before the backup did."""
    behind = manifest.at - databases.clock(ledger)
    if behind > 0:
        raise UsageError(
            f"the clock of the database for the ledger is {behind:,.0f} s behind the time of the backup {manifest.name}. Nothing "
            "was restored; set the clock right first, or nights would be superseded by runs that seem to be planned later."
        )


def _put_back(part: Part, kept: KeptPart, vault: Vault, storage: Storage, progress: Progress, folder: Path) -> None:
    if part.kind == "folder":
        target = storage.at(part.address)
        if target.is_here:
            try:
                private_folder(target.copy())
            except OSError as error:
                raise target.in_words(error) from error
        folders.empty(target)
        folders.put_back(kept, target, vault, progress, copies_in(folder))
        return
    progress(0, 0, f"{part.name}: the database")
    [file] = kept.files
    databases.load(part, vault.fetch(file.sha256, file.size))


def _begin_anew(parts: Sequence[Part], manifest: Manifest) -> int:
    ours = next((part for part in parts if part.name == LEDGER), None)
    if ours is None:
        return 0
    from pipelines.engine.ledger.database import Database
    from pipelines.engine.ledger.restored import begin_anew

    return begin_anew(Database(ours.address), f"restored from the backup {manifest.name}")


def _next(manifest: Manifest, restored: Sequence[str]) -> list[str]:
    from pipelines.engine.ledger.schema import REVISION

    steps = believing_too_much(restored)
    if LEDGER in restored and manifest.ledger_revision != REVISION:
        steps.append(f"`nightshift migrate`: the ledger's tables are of revision {manifest.ledger_revision}")
    return [
        *steps,
        "start Airflow, MLflow and the watch again",
        "run the nights since the backup again: what was finished answers 'done already', and the rest is done once",
    ]
