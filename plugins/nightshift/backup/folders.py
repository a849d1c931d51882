"""Files of a folder or a bucket, there and back; a table's log before its files, and back after them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from nightshift.backup.errors import BackupDamaged, BackupError, StillThere
from nightshift.backup.manifest import Kept, KeptPart
from nightshift.backup.plan import Part, delta_versions, is_log, whole_logs
from nightshift.backup.vault import Vault
from pipelines.engine.errors import StorageError
from pipelines.engine.files import UNFINISHED, sha256_of
from pipelines.engine.pipeline import Progress
from pipelines.engine.storage import Location
from pipelines.engine.storage.store import Found

log = logging.getLogger(__name__)
AT_ONCE = 8
"""Files on their way at the same time: an object store answers many as fast as one."""
BATCH = 64
"""After so many, this machine's copies of remote files are removed."""
Item = TypeVar("Item")
Made = TypeVar("Made")


def copy_folder(
    part: Part, source: Location, vault: Vault, known: Mapping[str, Kept], progress: Progress, scratch: Path
) -> tuple[Kept, ...]:
    """Copy every file of a folder into a vault.

    Args:
        part: What it is.
        source: Where.
        vault: Where to.
        known: By path: what the backup before this one holds. A file of the same size and time is taken from there.
        progress: Told how far it has come.
        scratch: Folder of this machine in which copies of remote files lie for a moment.

    Raises:
        StorageError: Source or vault do not answer, or refuse.
        BackupError: A table names a file that is not there.
    """

    def keep(found: tuple[str, Found]) -> Kept | None:
        path, (size, modified_ns) = found
        before = known.get(path)
        if before and (before.size, before.modified_ns) == (size, modified_ns) and before.sha256 in vault.objects():
            return before
        return _keep_one(source / path, path, modified_ns, vault)

    listed = dict(_finished(source.walk()))
    logs = [(path, listed[path]) for path in whole_logs(list(listed))]
    kept = _each(keep, logs, part.name, progress, scratch)
    # Now what is beside the logs: a file that a copied version names was there before that version was.
    others = (
        [(path, found) for path, found in _finished(source.walk()) if not is_log(path)]
        if logs
        else list(listed.items())
    )
    kept += _each(keep, others, part.name, progress, scratch)
    there = tuple(sorted(filter(None, kept), key=lambda file: file.path))
    _check_tables(part, source, {file.path for file in there})
    return there


def put_back(part: KeptPart, target: Location, vault: Vault, progress: Progress, scratch: Path) -> None:
    """Write a part's files to a folder: a table's files first, and its log in the order of its versions.

    Raises:
        BackupDamaged: An object is gone or changed.
        StorageError: The folder cannot be written to.
    """

    def write(file: Kept) -> None:
        _write(file, target / file.path, vault)

    _each(write, [file for file in part.files if not is_log(file.path)], part.name, progress, scratch)
    for number, file in enumerate(file for file in part.files if is_log(file.path)):
        progress(number, 0, f"{part.name}: logs of tables")
        write(file)


def empty(target: Location) -> None:
    """Remove every file of a folder: the logs of tables first, so that nobody reads half a table."""
    paths = [path for path, _ in target.walk()]
    for path in sorted(paths, key=lambda path: not is_log(path)):
        (target / path).delete()


def refuse_if_alive(part: Part, target: Location, *, replace: bool) -> None:
    """Make sure that a folder may be restored.

    Raises:
        StillThere: There are files, and they may not be replaced.
    """
    files = [] if replace else target.walk()
    if files:
        raise StillThere(
            f"there are {len(files)} files in {target}, such as {files[0][0]}; expected none. Nothing was restored. Restore "
            "to another place, or give --replace to lose them."
        )


def _finished(found: Iterable[tuple[str, Found]]) -> list[tuple[str, Found]]:
    """Leave out what is being written."""
    return [(path, each) for path, each in found if not fnmatch(path.rsplit("/", 1)[-1], UNFINISHED)]


def _keep_one(file: Location, path: str, modified_ns: int, vault: Vault) -> Kept | None:
    try:
        digest, size = vault.keep(file.copy())
    except (OSError, StorageError):
        if file.exists():
            raise
        log.info("%s went while the backup was made", file)  # tidied up, or replaced by a newer one
        return None
    return Kept(path, size, modified_ns, digest)


def _check_tables(part: Part, source: Location, there: set[str]) -> None:
    """Make sure that every file is there that a copied table names."""
    from deltalake.exceptions import DeltaError

    from pipelines.engine.publication.delta import named_files, open_table

    for folder, version in delta_versions(there).items():
        place = source / folder if folder else source
        try:
            table = open_table(place)
            if table is None:
                continue
            table.load_as_version(version)
            missing = sorted(f"{folder}/{name}".lstrip("/") for name in named_files(table))
        except (OSError, DeltaError) as error:
            raise place.in_words(error) from error
        missing = [name for name in missing if name not in there]
        if missing:
            raise BackupError(
                f"version {version} of the table {place} names {missing[0]}, which is not there"
                f"{f', like {len(missing) - 1} more' if len(missing) > 1 else ''}; no backup of {part.name} was made. Find "
                "out who removed it, and publish its night again (`nightshift keys force`)."
            )


def _write(file: Kept, target: Location, vault: Vault) -> None:
    source = vault.fetch(file.sha256, file.size)
    with target.writing() as temporary:
        shutil.copyfile(source, temporary)
        if sha256_of(temporary) != file.sha256:
            raise BackupDamaged(f"{target} was not written as it was read from {vault.place}; try again")


def _each(
    work: Callable[[Item], Made], items: Sequence[Item], what: str, progress: Progress, scratch: Path
) -> list[Made]:
    """Do work on each item, some at the same time; the first error ends it. Copies that were made for it go after each batch."""
    made: list[Made] = []
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for begin in range(0, len(items), BATCH):
            progress(begin, len(items), f"{what}: files")
            made += threads.map(work, items[begin : begin + BATCH])
            shutil.rmtree(scratch, ignore_errors=True)
    return made
