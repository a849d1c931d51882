"""Forget old backups, and the objects that no other one holds."""

from __future__ import annotations

import time
from dataclasses import dataclass

from nightshift.backup.vault import Vault
from pipelines.engine.errors import UsageError

YOUNGEST_SECONDS = 86_400.0
"""Objects that are younger stay: a backup that is being made has no manifest yet."""


@dataclass(frozen=True)
class Pruned:
    """What went, or may go.

    Attributes:
        kept: Names of the backups that stay.
        forgotten: Names of those that do not.
        objects: How many objects no backup holds any more.
        bytes: How many bytes they have.
        dry_run: Whether nothing was removed.
    """

    kept: tuple[str, ...]
    forgotten: tuple[str, ...]
    objects: int
    bytes: int
    dry_run: bool


def prune(vault: Vault, *, keep: int, dry_run: bool) -> Pruned:
    """Keep the newest backups, and forget the others.

    Args:
        vault: Where they lie.
        keep: How many stay, at least one.
        dry_run: Only look.

    Raises:
        UsageError: None would stay.
        BackupDamaged: One that stays cannot be read, so nobody knows what it holds; nothing is removed.
    """
    if keep < 1:
        raise UsageError(f"--keep {keep} would leave no backup; expected at least 1")
    names = vault.names()
    stay, go = names[-keep:], names[:-keep]
    held = {file.sha256 for name in stay for part in vault.read(name).parts for file in part.files}
    oldest = (time.time() - YOUNGEST_SECONDS) * 1e9
    found = [(path, each) for path, each in (vault.place / "objects").walk() if each.modified_ns < oldest]
    free = [(path, each.size) for path, each in found if path.rsplit("/", 1)[-1] not in held]
    if not dry_run:
        for name in go:  # first, so that no manifest names what is gone
            vault.remove(name)
        for path, _ in free:
            (vault.place / "objects" / path).delete()
    return Pruned(tuple(stay), tuple(go), len(free), sum(size for _, size in free), dry_run)
