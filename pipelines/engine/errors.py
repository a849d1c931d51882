"""Everything that can go wrong in the engine, each with a sentence that helps.

NightshiftError
├── DeclarationError          a pipeline file says something impossible; found when it is imported
├── UsageError                the caller asked for something that is not there
│   ├── UnknownPipeline
│   └── UnknownNight
├── DataError                 the rows or labels are wrong; trying again cannot help
│   ├── RowsMissing
│   ├── RowsUnreadable
│   ├── SchemaMismatch
│   ├── ChecksFailed
│   │   └── TooManyRefused
│   └── RowsChanged
├── ModelError                the model cannot be built or used as declared
│   ├── NoChampion
│   └── FitFailed
├── LedgerError
│   ├── LedgerUnavailable     (retryable)
│   ├── LedgerNotMigrated
│   ├── PayloadConflict       the same key with different work behind it
│   ├── KeyBusy               (retryable) somebody else holds the key
│   └── FenceLost             (retryable) somebody else took the key over
├── StorageError
│   ├── StorageFull           (retryable)
│   ├── StorageUnavailable    (retryable) an object store does not answer
│   ├── SourceUnavailable     (retryable) the database that rows come from does not answer
│   ├── PathRefused           a recorded path leads out of its folder
│   └── PublicationConflict   (retryable)
└── EngineError               where shards are to be scored, they cannot be
    ├── EngineUnavailable     (retryable) the cluster does not answer, or lost the work
    └── EngineMismatch        other code, libraries or declarations are installed there

`retryable` says whether trying the same work again later can succeed without anybody changing anything. An error that is
not retryable ends the key's generation, so that the next try is a new one; where the two differ, `ends_generation` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class NightshiftError(Exception):
    """The root: catch this to catch everything that Nightshift says on purpose.

    `key` is the digest of the task key under which it happened, or empty. `ends_generation` is None where it follows from
    `retryable`; work that goes on outside of this process, such as a job in a cloud, sets it: whoever comes next looks for
    the job of the generation, so only the end of that job may end it.
    """

    retryable: ClassVar[bool] = False
    ends_generation: ClassVar[bool | None] = None
    key: str = ""


class DeclarationError(NightshiftError):
    """A `Pipeline(...)` or a DAG factory call says something impossible."""


class UsageError(NightshiftError):
    """The caller asked for something that does not exist or cannot be."""


class UnknownPipeline(UsageError):
    """No pipeline of that name."""


class UnknownNight(UsageError):
    """Not a night, a night in the future, or a night that no rows were delivered for."""


class DataError(NightshiftError):
    """The rows or labels are wrong; the same data will be wrong again."""


class RowsMissing(DataError):
    """No file was delivered, or it holds no row."""


class RowsUnreadable(DataError):
    """A file is not Parquet, or is cut short."""


class SchemaMismatch(DataError):
    """Columns were dropped, added, renamed or retyped."""


class ChecksFailed(DataError):
    """A critical expectation failed; `report` is where the whole story is."""

    def __init__(self, message: str, *, report: str | None = None) -> None:
        super().__init__(message)
        self.report = report


class TooManyRefused(ChecksFailed):
    """More rows were refused than the pipeline allows."""


class RowsChanged(DataError):
    """The files are no longer the ones that were checked."""


class ModelError(NightshiftError):
    """The model cannot be built or used as declared."""


class NoChampion(ModelError):
    """No version has earned the right to score yet."""


class FitFailed(ModelError):
    """The pipeline's `fit` raised, or gave back something that cannot be kept."""


class LedgerError(NightshiftError):
    """The ledger refused."""


class LedgerUnavailable(LedgerError):
    """The ledger's database does not answer."""

    retryable = True


class LedgerNotMigrated(LedgerError):
    """The ledger's database answers, but its tables are missing or of another version."""


class PayloadConflict(LedgerError):
    """The same key came with a different payload."""


class KeyBusy(LedgerError):
    """Somebody else holds the key, and its lease has not ended; `key` is the key's digest."""

    retryable = True

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class FenceLost(LedgerError):
    """Somebody else took the key over: whatever this holder made must not be seen."""

    retryable = True


class StorageError(NightshiftError):
    """Bytes could not be written or read back."""


class StorageFull(StorageError):
    """No space left where the output belongs."""

    retryable = True


class StorageUnavailable(StorageError):
    """An object store does not answer, or not in time."""

    retryable = True


class SourceUnavailable(StorageError):
    """The database that rows come from does not answer, or breaks off."""

    retryable = True


class PathRefused(StorageError):
    """A path in a record, an address or a result leads out of the folder that it belongs to."""


class PublicationConflict(StorageError):
    """The table kept changing under the commit."""

    retryable = True


class EngineError(NightshiftError):
    """Shards cannot be scored where they are to be."""


class EngineUnavailable(EngineError):
    """The cluster does not answer, or lost the work."""

    retryable = True


class EngineMismatch(EngineError):
    """Where shards are to be scored, other code, other libraries or another declaration is installed."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the nearest known name, or an empty string."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {matches[0]!r}?" if matches else ""
