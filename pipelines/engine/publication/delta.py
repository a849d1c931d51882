"""Publish a night: one metadata-only Delta commit that swaps the whole partition.

The shard files are already in the table's folder, but no version names them. The commit removes what the partition
held before and adds the shards in one log entry, so readers see the old night or the new one.

Whether this work was committed before is asked of the table itself: each commit carries an application transaction
named by key and generation. The transaction alone is no fence (the same one commits again), so it is looked up first,
and the commit is made from the handle on which it was looked up: a commit that came in between is then a conflict.
Files that were given up, to be removed, are refused in the same way.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.engine.errors import PublicationConflict, StorageError
from pipelines.engine.files import in_one_line
from pipelines.engine.moments import reached
from pipelines.engine.paths import inside
from pipelines.engine.publication.given_up import check_not_given_up
from pipelines.engine.publication.names import PARTITION
from pipelines.engine.storage import Location

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction, RemoveAction

log = logging.getLogger(__name__)
TRANSACTION = "nightshift.transaction"
NIGHT = "nightshift.night"
MOST_TRIES = 100
"""Each lost try means that somebody else's commit went through, so this many nights may be published at once."""


@dataclass(frozen=True)
class ShardFile:
    """A file that belongs to a publication; `path` is relative to the table's folder."""

    path: str
    size: int
    rows: int
    modified_ms: int


@dataclass(frozen=True)
class Published:
    """Where a publication stands: the Delta version, and whether the table showed these files already."""

    version: int
    adopted: bool


def remove_unfinished(folder: Location, night: str, key: str, fence: int) -> None:
    """Remove what killed attempts left of a shard under earlier fences; never the file of a newer holder.

    A holder may have lost its fence without knowing it yet.
    """
    for earlier in range(1, fence):
        (folder / f"{PARTITION}={night}/{key[:32]}-{earlier}-").remove_unfinished()


def transaction_name(key: str, generation: int) -> str:
    """Return the application transaction that marks a publication."""
    return f"nightshift/{key}/{generation}"


def publish(
    folder: Location,
    schema: pa.Schema,
    night: str,
    files: Sequence[ShardFile],
    *,
    transaction: str,
    fence: int,
    planned_ms: int = 0,
    metadata: Mapping[str, str],
    may_commit: Callable[[DeltaTable], None],
) -> Published:
    """Swap a night's partition for these files, once per transaction name, and not at all if it shows them already.

    Args:
        folder: The table's folder; the table is created if there is none.
        schema: Columns of the files, without the partition column.
        night: The partition.
        files: All files of the night.
        transaction: Names this publication and no other.
        fence: Of the caller's claim.
        planned_ms: When the run was planned, in milliseconds since 1970; kept for `published_plan`.
        metadata: Kept in the commit for people and tools to read.
        may_commit: Asked right before each commit, with the handle that it will be made from; raises if it must not be.

    Raises:
        FenceLost: From `may_commit`, like anything else that it raises; nothing was committed.
        PublicationConflict: The table changed under every try.
        StorageError: The folder cannot be read or written.
    """
    from deltalake.exceptions import CommitFailedError, DeltaError

    _check_files(folder, night, files)
    try:
        for tried in range(MOST_TRIES):
            table = open_or_create(folder, schema)
            if table.transaction_version(transaction) is not None:
                return Published(find_commit(folder, table, transaction), adopted=True)
            if files and published_files(table, night) == sorted(file.path for file in files):
                return Published(find_commit(folder, table, night, tag=NIGHT), adopted=True)
            check_not_given_up(folder, table, night, [file.path for file in files], published_files(table, night))
            may_commit(table)
            reached("may commit")
            try:
                version = _commit(table, night, files, transaction, fence, planned_ms, metadata)
            except CommitFailedError as error:
                # Somebody else's commit, or our own whose reply was lost: the next look at the table tells.
                log.info("the table changed under the commit of night %s, looking again: %s", night, error)
                time.sleep(random.random() * min(1.0, 0.02 * tried))  # noqa: S311 - so that many do not keep in step
                continue
            except (OSError, DeltaError) as error:
                # Nobody knows whether it was applied: an object store may have done it and lost the answer, or a
                # checkpoint that is due every hundred commits could not be written after it.
                if open_or_create(folder, schema).transaction_version(transaction) is None:
                    raise
                log.warning("night %s is committed, though: %s", night, in_one_line(error))
                continue
            reached("committed")
            return Published(version, adopted=False)
    except (OSError, DeltaError) as error:
        raise folder.in_words(error) from error
    raise PublicationConflict(
        f"{folder} changed under {MOST_TRIES} commits of night {night}; the old version stands. Clear the task to try again."
    )


def open_or_create(folder: Location, schema: pa.Schema) -> DeltaTable:
    """Open the table, or create an empty one partitioned by night.

    Raises:
        StorageError: It cannot be read, cannot be written, or has other columns.
    """
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    columns = pa.schema([*schema, pa.field(PARTITION, pa.string(), nullable=False)])
    try:
        if folder.is_here:
            folder.copy().mkdir(parents=True, exist_ok=True)
        table = open_table(folder) or _create(folder, columns)
    except OSError as error:
        raise folder.in_words(error) from error
    except DeltaError as error:
        raise StorageError(
            f"{folder} is a Delta table that cannot be opened: {in_one_line(error)}\n"
            "Nothing was published. Mend the newest file in its _delta_log/, or restore the folder, and clear the task."
        ) from error
    _check_columns(folder, table, columns)
    return table


def open_table(folder: Location) -> DeltaTable | None:
    """Open the table as it is now, or return None if there is none.

    Raises:
        OSError, DeltaError: As delta-rs says it.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    try:
        # Not is_deltatable: it holds Python's lock while it waits for the store, and no lease is renewed meanwhile.
        return DeltaTable(str(folder), storage_options=folder.delta_options())
    except TableNotFoundError:
        return None


def _create(folder: Location, columns: pa.Schema) -> DeltaTable:
    from deltalake import CommitProperties, DeltaTable
    from deltalake.exceptions import CommitFailedError

    options = folder.delta_options()
    name = f"{folder.parent.name}_{folder.name}"
    once = CommitProperties(max_commit_retries=0)
    try:
        return DeltaTable.create(
            str(folder),
            columns,
            mode="ignore",
            partition_by=[PARTITION],
            name=name,
            commit_properties=once,
            storage_options=options,
        )
    except CommitFailedError:
        return DeltaTable(str(folder), storage_options=options)  # somebody else created it at the same moment


def _check_columns(folder: Location, table: DeltaTable, columns: pa.Schema) -> None:
    from deltalake import Schema

    found, wanted = (
        [f"{field.name} {field.type.type}" for field in schema.fields]
        for schema in (table.schema(), Schema.from_arrow(columns))
    )
    if found != wanted:
        raise StorageError(
            f"the table {folder} has the columns {', '.join(found)}; the scores have {', '.join(wanted)}.\n"
            "One table cannot hold both, and nothing was published: move the table away, or give the pipeline a new name."
        )


def find_commit(folder: Location, table: DeltaTable, value: str, *, tag: str = TRANSACTION) -> int:
    """Return the version of the newest commit that carries a value: a transaction's name, or a night.

    The log's files are read one by one. deltalake's `history()` counts versions down from the one that the handle saw,
    though the log may have grown since, and holds Python's lock while it waits for the store.

    Raises:
        StorageError: The table's log no longer reaches back that far.
    """
    for version in range(table.version(), -1, -1):
        entry = (folder / f"_delta_log/{version:020}.json").read_text()
        if entry is None:
            break
        if any(action.get("commitInfo", {}).get(tag) == value for action in map(json.loads, entry.splitlines())):
            return version
    raise StorageError(f"{folder} knows the publication {value}, but its log no longer tells which version it was")


def replaced_by_newest(folder: Location, table: DeltaTable, night: str) -> int | None:
    """Return the version that the newest publication of a night replaced, as the log tells; None if it was the first.

    Where the log no longer reaches back so far, the newest publication's own version: nobody can tell any more.
    """
    found = 0
    for version in range(table.version(), -1, -1):
        entry = (folder / f"_delta_log/{version:020}.json").read_text()
        if entry is None:
            return published_version(table, night)
        found += any(action.get("commitInfo", {}).get(NIGHT) == night for action in map(json.loads, entry.splitlines()))
        if found == 2:
            return version
    return None


def named_files(table: DeltaTable) -> frozenset[str]:
    """Return the files that the table names, of all nights, relative to its folder."""
    import pyarrow as pa

    return frozenset(pa.table(table.get_add_actions(flatten=True))["path"].to_pylist())


def published_files(table: DeltaTable, night: str) -> list[str]:
    """Return the files that the table names for a night, relative to its folder."""
    return sorted(_sizes(table, night))


def published_version(table: DeltaTable, night: str) -> int | None:
    """Return the version of the newest commit of a night, as the handle sees it, or None if it was never published."""
    version: int | None = table.transaction_version(_night_transaction(night))
    return version


def published_plan(table: DeltaTable, night: str) -> int:
    """Return when the run was planned that published a night last, in milliseconds since 1970; 0 if nobody did."""
    planned_ms: int | None = table.transaction_version(_plan_transaction(night))
    return planned_ms or 0


def _night_transaction(night: str) -> str:
    """Return the application transaction whose version is the table's own, of the night's newest commit."""
    return f"nightshift/night/{night}"


def _plan_transaction(night: str) -> str:
    """Return the application transaction whose version is the time of the plan, of the night's newest commit."""
    return f"nightshift/plan/{night}"


def _sizes(table: DeltaTable, night: str) -> dict[str, int]:
    """Return the size in bytes of each file that the table names for a night."""
    import pyarrow as pa
    import pyarrow.compute as pc

    named = pa.table(table.get_add_actions(flatten=True))
    ours = named.filter(pc.equal(named[f"partition.{PARTITION}"], night))  # a year of nights may have 20,000 files
    return dict(zip(ours["path"].to_pylist(), ours["size_bytes"].to_pylist(), strict=True))


def _check_files(folder: Location, night: str, files: Sequence[ShardFile]) -> None:
    """Raises PathRefused for a file outside the night's partition, StorageError for one that is not as it was written."""
    for file in files:
        inside(f"{PARTITION}={night}", file.path)
        path = folder / file.path
        found = path.find()
        if found is None or found.size != file.size:
            got = f"{found.size:,} bytes" if found else "no file"
            raise StorageError(
                f"the shard {path} should have {file.size:,} bytes and has {got}; nothing was published.\n"
                "Run `nightshift keys force` on its score key and clear the score task: it writes the shard again."
            )


def _commit(
    table: DeltaTable,
    night: str,
    files: Sequence[ShardFile],
    transaction: str,
    fence: int,
    planned_ms: int,
    metadata: Mapping[str, str],
) -> int:
    """Commit from exactly the version that the handle saw, and return the new version."""
    from deltalake import CommitProperties, Transaction

    seen = table.version()
    custom: dict[str, Any] = {**metadata, NIGHT: night, TRANSACTION: transaction, "nightshift.fence": str(fence)}
    transactions = [
        Transaction(transaction, fence),
        Transaction(_night_transaction(night), seen + 1),
        Transaction(_plan_transaction(night), planned_ms),
    ]
    properties = CommitProperties(custom_metadata=custom, max_commit_retries=0, app_transactions=transactions)
    table.create_write_transaction(
        _swap(table, night, files),
        mode="append",  # "overwrite" would remove the files that stay, too
        schema=table.schema(),
        partition_by=[PARTITION],
        commit_properties=properties,
    )
    return seen + 1  # without retries, no other version can be ours


def _swap(table: DeltaTable, night: str, files: Sequence[ShardFile]) -> list[AddAction | RemoveAction]:
    """Say what turns the night into these files; the format forbids to remove and to add a file in one commit."""
    from deltalake.transaction import AddAction, RemoveAction

    before, after = _sizes(table, night), {file.path for file in files}
    now = time.time_ns() // 1_000_000
    removed = [
        RemoveAction(path, data_change=True, deletion_timestamp=now, size=size, partition_values={PARTITION: night})
        for path, size in before.items()
        if path not in after
    ]
    added = [
        AddAction(
            path=file.path,
            size=file.size,
            partition_values={PARTITION: night},
            modification_time=file.modified_ms,
            data_change=True,
            stats=json.dumps({"numRecords": file.rows}),
        )
        for file in files
        if file.path not in before
    ]
    return [*removed, *added]
