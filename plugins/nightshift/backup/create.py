"""Make a backup."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nightshift.backup.databases import dump, missing
from nightshift.backup.errors import BackupError
from nightshift.backup.folders import copy_folder
from nightshift.backup.manifest import Kept, KeptPart, Manifest, disagreements
from nightshift.backup.plan import LEDGER, TABLES, Part, delta_versions, in_order, inside_of
from nightshift.backup.vault import Vault
from pipelines.engine.errors import UsageError
from pipelines.engine.home import private_folder
from pipelines.engine.pipeline import Progress
from pipelines.engine.storage import Storage


def create_backup(parts: Sequence[Part], where: str, storage: Storage, progress: Progress) -> Manifest:
    """Copy all parts into a vault, those that rely on others first; work may go on meanwhile.

    Args:
        parts: What to copy; a laptop's databases that nobody made yet are left out.
        where: Folder of this machine, or URL, of the vault.
        storage: Reaches folders, here or in an object store.
        progress: Told how far it has come.

    Returns:
        What the backup holds.

    Raises:
        UsageError: The vault lies inside of what is copied, or an address cannot be used.
        BackupError: A part cannot be copied, or the parts do not agree; then there is no backup.
        StorageError, LedgerUnavailable: Something does not answer.
    """
    with working(storage) as (storage, folder):
        vault = Vault(storage.at(where))
        holder = inside_of(vault.place.copy(), parts) if vault.place.is_here else None
        if holder:
            raise UsageError(
                f"{vault.place} lies inside of the part {holder.name}, which would then hold its own backup"
            )
        vault.open()
        names = vault.names()
        before = vault.read(names[-1]) if names else None
        ordered = [part for part in in_order(parts) if part.name == LEDGER or not missing(part)]
        at, revision, promised = _ledger_now(ordered)
        copied = tuple(_copy(part, storage, vault, before, progress, folder) for part in ordered)
        tables = next((part for part in copied if part.name == TABLES), None)
        made = Manifest(
            name=vault.new_name(at),
            at=at,
            code=_our_version(),
            ledger_revision=revision,
            promised=promised,
            tables=delta_versions(file.path for file in tables.files) if tables else {},
            parts=copied,
        )
        _check(made, vault)
        vault.write(made)
        return made


@contextmanager
def working(storage: Storage) -> Iterator[tuple[Storage, Path]]:
    """Give a folder for files on their way, and the same stores with copies in it; all of it is gone in the end."""
    private_folder(storage.cache)
    with tempfile.TemporaryDirectory(prefix="backup-", dir=storage.cache) as folder:
        yield replace(storage, cache=Path(folder)), Path(folder)


def copies_in(folder: Path) -> Path:
    """Return where copies of remote files lie for a moment."""
    return folder / "copies"


def _copy(
    part: Part, storage: Storage, vault: Vault, before: Manifest | None, progress: Progress, folder: Path
) -> KeptPart:
    progress(0, 0, f"{part.name}: {part.kind}")
    if part.kind == "folder":
        last = before.part(part.name) if before else None
        same = last is not None and last.address == part.shown
        known = {file.path: file for file in last.files} if last and same else {}
        source = storage.at(part.address)
        return KeptPart(
            part.name, part.kind, part.shown, copy_folder(part, source, vault, known, progress, copies_in(folder))
        )
    file = dump(part, folder)
    try:
        digest, size = vault.keep(file)
    finally:
        file.unlink()
    return KeptPart(part.name, part.kind, part.shown, (Kept(file.name, size, time.time_ns(), digest),))


def _ledger_now(parts: Sequence[Part]) -> tuple[float, str | None, dict[str, int]]:
    """Return the time, the revision of the tables, and what was published by now; asked before anything is copied."""
    ours = next((part for part in parts if part.name == LEDGER), None)
    if ours is None:
        return time.time(), None, {}
    from pipelines.engine.ledger.migrate import look
    from pipelines.engine.ledger.publications import promised_versions
    from pipelines.engine.ledger.store import Ledger

    ledger = Ledger(ours.address)
    ledger.check()
    return ledger.now(), look(ours.address).found, promised_versions(ledger)


def _check(made: Manifest, vault: Vault) -> None:
    """Make sure that what is about to exist is whole: somebody may have pruned the vault meanwhile."""
    wrong = disagreements(made)
    if wrong:
        raise BackupError(f"no backup was made, because its parts do not agree: {'; '.join(wrong)}")
    present = vault.look_again()
    gone = [f"{part.name}/{file.path}" for part in made.parts for file in part.files if file.sha256 not in present]
    if gone:
        raise BackupError(
            f"the vault {vault.place} lost {gone[0]} while the backup was made; make it again, and prune later"
        )


def _our_version() -> str:
    try:
        return version("nightshift")
    except PackageNotFoundError:  # run from its repository
        return "unknown"
