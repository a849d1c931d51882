"""Give shard files up, so that they can be removed; see `pipelines.engine.publication.given_up`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from pipelines.engine.errors import PublicationConflict, StorageError
from pipelines.engine.publication.delta import MOST_TRIES, open_table
from pipelines.engine.publication.given_up import floor_name, floor_of
from pipelines.engine.publication.names import PARTITION
from pipelines.engine.storage import Location

if TYPE_CHECKING:
    from deltalake import DeltaTable


def give_up(folder: Location, floors: Mapping[str, int]) -> DeltaTable:
    """Let no file be published any more that the table does not name now and whose claim is not younger.

    Args:
        folder: The table's folder; there is a table.
        floors: For each night a time in milliseconds since 1970, by the clock of the ledger's database.

    Returns:
        A handle that is at least as new: what was given up and is not named by it will never be named.

    Raises:
        PublicationConflict: The table changed under every try.
        StorageError: The folder cannot be read or written, or has no table.
    """
    from deltalake.exceptions import CommitFailedError

    try:
        for _ in range(MOST_TRIES):
            table = open_table(folder)
            if table is None:
                raise StorageError(f"{folder} is no Delta table; nothing was removed.")
            higher = {night: ms for night, ms in floors.items() if floor_of(table, night) < ms}
            if not higher:
                return table
            with suppress(CommitFailedError):  # somebody else's commit, or our own whose reply was lost
                _commit(table, higher)
    except OSError as error:
        raise folder.in_words(error) from error
    raise PublicationConflict(f"{folder} changed under {MOST_TRIES} commits; nothing was removed. Try again.")


def _commit(table: DeltaTable, floors: Mapping[str, int]) -> None:
    """Commit the floors and nothing else, from exactly the version that the handle saw."""
    from deltalake import CommitProperties, Transaction

    marks = [Transaction(floor_name(night), ms) for night, ms in sorted(floors.items())]
    said = {"nightshift.given_up": f"{len(marks)} nights"}
    once = CommitProperties(custom_metadata=said, max_commit_retries=0, app_transactions=marks)
    table.create_write_transaction(
        [], mode="append", schema=table.schema(), partition_by=[PARTITION], commit_properties=once
    )
