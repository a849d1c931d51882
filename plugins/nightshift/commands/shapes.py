"""Answers that are a value of the engine and a little more. Imported when one is printed: what they extend is not light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nightshift.live.orders import Orders
from pipelines.engine.incidents.values import Incident, IncidentEvent
from pipelines.engine.ledger.values import Entry, Event
from pipelines.engine.pipeline import Prepared
from pipelines.engine.promises.report import Accuracy
from pipelines.engine.replay import Replay


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
