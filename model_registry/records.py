"""The values that the registry hands out: frozen, without any MLflow type inside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class TrainingRun:
    """One finished MLflow run, with its model logged.

    Attributes:
        digest: one sha256 over all model files.
        digests: sha256 of each file of the model directory, by relative path.
        url: page of the run in MLflow's UI, or "" when no UI address is known.
        reused: true when the run was found by its key, and nothing was logged anew.
    """

    run_id: str
    key: str
    model_uri: str
    digest: str
    digests: Mapping[str, str] = field(repr=False)
    url: str
    reused: bool


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model.

    Attributes:
        version: MLflow's number, as text.
        key: the task key it was registered under ("" if it was not registered by this package).
        digest: one sha256 over all model files, as recorded at registration.
        source: where the model directory lies.
        metrics: metrics of the run that made it; empty when the run is gone.
        url: page of the version in MLflow's UI, or "" when no UI address is known.
    """

    name: str
    version: str
    run_id: str
    key: str
    digest: str
    source: str
    tags: Mapping[str, str] = field(repr=False)
    metrics: Mapping[str, float] = field(repr=False)
    url: str


@dataclass(frozen=True)
class Move:
    """What a move of an alias came to. `changed` is false when the alias had been moved by the same key before."""

    name: str
    alias: str
    moved_from: str | None
    moved_to: str | None
    key: str
    changed: bool


@dataclass(frozen=True)
class CachedPackage:
    """A folder of the local cache. `used_at` is when it was last fetched, in seconds since 1970 by this machine's clock."""

    name: str
    bytes: int
    used_at: float


@dataclass(frozen=True)
class Trash:
    """Something that was deleted in MLflow and is still there.

    Attributes:
        kind: "run", "model" (a logged one, not a registered version), or "experiment".
        deleted_at: seconds since 1970, by the clock of whoever deleted it or of MLflow's server.
        bytes: of its files.
    """

    kind: str
    id: str
    name: str
    deleted_at: float
    bytes: int = 0


@dataclass(frozen=True)
class JournalEntry:
    """One line of a model's journal. `number` gives the order; `at` is only for people."""

    number: int
    at: datetime
    alias: str
    moved_from: str | None
    moved_to: str | None
    key: str
    actor: str
    reason: str
