"""Shard files that were given up: they may be removed at any moment, so no publication may name them again.

A file that no version names any more is removed some day, while a slow publisher may still mean to name it: a night is
scored with A, with B, and with A again, whose scores are there already. The ledger cannot tell, since the answer "done"
leaves no trace in it. So the table's own log does: before files are removed, a commit carries an application transaction
for their night, whose version is a time. From then on no file whose claim is not younger is added to the night. Publishing
looks this up on the handle from which it commits, so one of the two always sees the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.engine.errors import StorageError
from pipelines.engine.publication.names import read_shard_path
from pipelines.engine.storage import Location

if TYPE_CHECKING:
    from deltalake import DeltaTable


def floor_name(night: str) -> str:
    """Return the application transaction whose version is the floor of a night."""
    return f"nightshift/given-up/{night}"


def floor_of(table: DeltaTable, night: str) -> int:
    """Return the claim time up to which files were given up, in milliseconds since 1970; -1 if none were."""
    version: int | None = table.transaction_version(floor_name(night))
    return -1 if version is None else version


def given_up(paths: Sequence[str], shown: Sequence[str], floor: int) -> list[str]:
    """Return the files that may be there no longer: not shown, and claimed no later than the floor."""
    names = ((path, read_shard_path(path)) for path in paths if path not in set(shown))
    return [path for path, name in names if name is not None and name.claimed_ms <= floor]


def check_not_given_up(
    folder: Location, table: DeltaTable, night: str, paths: Sequence[str], shown: Sequence[str]
) -> None:
    """Make sure that none of the files that a commit would name was given up.

    Those that were are removed here if they are still there: then scoring finds its output gone, and is done again.

    Raises:
        StorageError: Some were.
    """
    gone = given_up(paths, shown, floor_of(table, night))
    for path in gone:
        (folder / path).delete()
    if gone:
        raise StorageError(
            f"the shard {folder / gone[0]} was given up by `nightshift tidy`, as no version had named it for long; "
            "nothing was published.\nRun the night again (in Airflow: clear its score tasks): it is scored anew."
        )
