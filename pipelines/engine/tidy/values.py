"""What all kinds of rubbish share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipelines.engine.pipeline import Pipeline
from pipelines.engine.runtime import Runtime

DAY = 86_400.0
GRACE_DAYS = 2.0
"""For what can never be used any more: only so that a person may still look at what a crash left."""


@dataclass(frozen=True)
class Limits:
    """Before when something must have been left alone to be old; seconds since 1970, by the ledger's database.

    Attributes:
        now: The time.
        retention_days: How long what might still be used is kept.
    """

    now: float
    retention_days: float

    @property
    def old(self) -> float:
        """What was last used before this is not needed any more."""
        return self.now - self.retention_days * DAY

    @property
    def stale(self) -> float:
        """What can never be used, and was written before this, has been there for long enough."""
        return self.now - GRACE_DAYS * DAY


@dataclass(frozen=True)
class Scene:
    """Where to look.

    Attributes:
        runtime: Doors to the outside.
        pipelines: Whose tables, reports, keys and experiments.
        limits: What is old.
        everything: Whether to look at what belongs to no pipeline, too: this machine's cache, and all of the ledger.
    """

    runtime: Runtime
    pipelines: Sequence[Pipeline]
    limits: Limits
    everything: bool


@dataclass(frozen=True)
class Waste:
    """Something that may go.

    Attributes:
        kind: Which kind of rubbish.
        what: Whose: a pipeline's name, or a place.
        name: By which its kind finds it again.
        since: When it was last written or used, in seconds since 1970.
        reason: Why nobody needs it.
        bytes: How much room it takes, where that is known.
        count: Of how many things it stands for.
    """

    kind: str
    what: str
    name: str
    since: float
    reason: str
    bytes: int = 0
    count: int = 1


class Kind(Protocol):
    """One kind of rubbish, or several that are found in one look."""

    def find(self, scene: Scene) -> list[Waste]:
        """Return what may go; changes nothing."""

    def remove(self, scene: Scene, found: Sequence[Waste], check: Callable[[], None]) -> list[Waste]:
        """Remove what was found, and return what is gone now.

        Args:
            scene: Where to look.
            found: What `find` returned.
            check: Called before each removal; raises if somebody else tidies up now.
        """
