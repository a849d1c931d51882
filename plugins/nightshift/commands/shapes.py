"""Answers that are a value of the engine and a little more. Imported when one is printed: what they extend is not light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nightshift.backup.manifest import Manifest
from nightshift.live.orders import Orders
from nightshift.readiness import Gap
from pipelines.engine.incidents.values import Incident, IncidentEvent
from pipelines.engine.ledger.values import Entry, Event
from pipelines.engine.pipeline import Prepared
from pipelines.engine.promises.report import Accuracy
from pipelines.engine.replay import Replay
from pipelines.engine.views.cost import ModelCost, NightCost, Spent


@dataclass(frozen=True)
class ListedIncident(Incident):
    """An incident, and until when nothing is told of it, in seconds since 1970; None if it is not silenced."""

    silenced_until: float | None = None


@dataclass(frozen=True)
class ShownIncident(ListedIncident):
    """An incident with what happened to it, oldest first."""

    history: tuple[IncidentEvent, ...] = ()


@dataclass(frozen=True)
class ShownKey(Entry):
    """A key with everything that happened to it, oldest first."""

    history: tuple[Event, ...] = ()


@dataclass(frozen=True)
class CostAnswer:
    """What `nightshift cost --json` prints.

    Attributes:
        first, last: Nights, both included.
        nights: What each night and each training cost, by pipeline and night.
        models: What each version cost, its training and the nights that it scored.
        total: All of it together.
        cpu_hour: What an hour of one CPU costs; None if nobody said.
        price: Of all CPU seconds; None likewise.
    """

    first: str
    last: str
    nights: tuple[NightCost, ...]
    models: tuple[ModelCost, ...]
    total: Spent
    cpu_hour: float | None
    price: float | None


@dataclass(frozen=True)
class LiveAnswer(Replay):
    """The replay as it stands.

    Attributes:
        shows: What its clock shows now, in seconds since 1970.
        orders: What was ordered for its nights.
    """

    shows: float = 0.0
    orders: Orders = field(default_factory=Orders)


@dataclass(frozen=True)
class AccuracyAnswer:
    """How good the warnings of the last `days` were: of all promises, and of each by its id."""

    days: int
    all: Accuracy
    promises: Mapping[str, Accuracy]


@dataclass(frozen=True)
class DeliveredAnswer(Prepared):
    """What `nightshift data` delivered, and the folder that it is in."""

    folder: str = ""


@dataclass(frozen=True)
class NewPipeline:
    """What `nightshift new` wrote, or would write.

    Attributes:
        name: Of the pipeline.
        written: Whether the files were written.
        files: Their paths below the repository.
        kind: `binary`, `multiclass` or `regression`.
        features: Columns that it learns from.
        left_out: By column: why it is no feature.
        slices: Columns by which the model is looked at in parts.
        nights: How many the data has.
        window, holdout: Nights to learn from, and those of them that the gate looks at.
        metric, threshold: What the gate asks.
        notes: What is to be reviewed, in words.
        next: Commands to run next.
    """

    name: str
    written: bool
    files: tuple[str, ...]
    kind: str
    features: tuple[str, ...]
    left_out: Mapping[str, str]
    slices: tuple[str, ...]
    nights: int
    window: int
    holdout: int
    metric: str
    threshold: float
    notes: tuple[str, ...]
    next: tuple[str, ...]


@dataclass(frozen=True)
class ReadinessAnswer:
    """What a pipeline lacks before production.

    Attributes:
        pipeline: Which.
        ready: Whether nothing is missing.
        missing: What is.
        notes: What is good to know.
    """

    pipeline: str
    ready: bool
    missing: tuple[Gap, ...]
    notes: tuple[Gap, ...]


@dataclass(frozen=True)
class BackupPart:
    """One part of a backup.

    Attributes:
        name: Such as `ledger` or `tables`.
        kind: `database` or `folder`.
        address: Where it was, without passwords.
        files: How many.
        bytes: How many bytes they have.
    """

    name: str
    kind: Literal["database", "folder"]
    address: str
    files: int
    bytes: int


@dataclass(frozen=True)
class BackupAnswer:
    """A backup.

    Attributes:
        name: Made of its time.
        at: When it was begun, in seconds since 1970 by the clock of the ledger's database: what was finished before is in it.
        code: The version of Nightshift that made it.
        ledger_revision: Of the ledger's tables; None without the ledger.
        bytes: Of all files.
        tables: By table: the version that was copied.
        parts: In the order in which they were copied.
        not_covered: What it does not hold, in words; only told by `backup create`.
    """

    name: str
    at: float
    code: str
    ledger_revision: str | None
    bytes: int
    tables: Mapping[str, int]
    parts: tuple[BackupPart, ...]
    not_covered: tuple[str, ...]


def backup_answer(made: Manifest, not_covered: tuple[str, ...] = ()) -> BackupAnswer:
    """Return what is told of a backup: its files are counted, and not named."""
    parts = tuple(BackupPart(part.name, part.kind, part.address, len(part.files), part.bytes) for part in made.parts)
    return BackupAnswer(
        made.name, made.at, made.code, made.ledger_revision, made.bytes, made.tables, parts, not_covered
    )
