"""Read a backup whole, and say what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nightshift.backup.create import working
from nightshift.backup.databases import check_dump
from nightshift.backup.errors import BackupDamaged
from nightshift.backup.manifest import KeptPart, Manifest, disagreements
from nightshift.backup.vault import LATEST, Vault
from pipelines.engine.pipeline import Progress
from pipelines.engine.storage import Storage


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        name: Of the backup.
        at: When it was begun, in seconds since 1970 by the clock of the ledger's database.
        files: How many were read.
        bytes: How many bytes they have.
        wrong: What is not as it should be, in words; none in a backup that can be restored.
    """

    name: str
    at: float
    files: int
    bytes: int
    wrong: tuple[str, ...]


def verify_backup(where: str, storage: Storage, progress: Progress, *, name: str = LATEST) -> Verified:
    """Read every byte of a backup: digests, the dumps' own form, and whether its parts agree.

    Raises:
        UsageError: There is no such backup.
        BackupDamaged: Its manifest cannot be read.
        StorageError: The vault does not answer.
    """
    with working(storage) as (storage, _):
        vault = Vault(storage.at(where))
        manifest = vault.read(name)
        wrong = [*disagreements(manifest), *_revision(manifest)]
        for part in manifest.parts:
            wrong += _read(part, vault, progress)
        files = sum(len(part.files) for part in manifest.parts)
        return Verified(manifest.name, manifest.at, files, manifest.bytes, tuple(wrong))


def _revision(manifest: Manifest) -> list[str]:
    from pipelines.engine.ledger.migrate import known_revisions

    found = manifest.ledger_revision
    if found is None or found in known_revisions():
        return []
    return [
        f"the ledger's tables are of revision {found}, which this Nightshift does not know; restore with a newer one"
    ]


def _read(part: KeptPart, vault: Vault, progress: Progress) -> list[str]:
    wrong = []
    for number, file in enumerate(part.files):
        progress(number, len(part.files), f"{part.name}: files")
        try:
            copy = vault.fetch(file.sha256, file.size)
            problem = check_dump(part.name, copy) if part.kind == "database" else None
        except BackupDamaged as error:
            problem = f"{part.name}/{file.path}: {error}"
        else:
            _let_go(copy, vault)
        if problem:
            wrong.append(problem)
    return wrong


def _let_go(copy: Path, vault: Vault) -> None:
    if not vault.place.is_here:
        copy.unlink(missing_ok=True)
