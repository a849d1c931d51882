"""Which time is it for a pipeline? The ledger's, unless the past is being replayed faster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Clock:
    """Translates between the ledger's time and the time that nights are in; both in seconds since 1970.

    Attributes:
        began: When the replay began, in the ledger's time.
        showed: What the replayed clock showed then.
        speed: Replayed seconds for each second.
        before: The clock before it was stopped the last time; None if it never was.
    """

    began: float = 0.0
    showed: float = 0.0
    speed: float = 1.0
    before: Clock | None = None

    def shows(self, ledger_time: float) -> float:
        """Return what the clock shows at a time of the ledger. While it was stopped, that is what it showed when it went on."""
        if self.before is not None and ledger_time < self.began:
            return min(self.before.shows(ledger_time), self.showed)
        return self.showed + (ledger_time - self.began) * self.speed

    def ledger_time(self, shown: float) -> float:
        """Return the ledger's time at which the clock shows this."""
        if self.before is not None and shown < self.showed:
            return min(self.before.ledger_time(shown), self.began)
        return self.began + (shown - self.showed) / self.speed

    def going_on(self, now: float, shown: float, speed: float) -> Clock:
        """Return the clock that goes on now, from what it showed when it was stopped; the past stays as it was."""
        return Clock(began=now, showed=shown, speed=speed, before=self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Clock:
        """Read what `dataclasses.asdict` made of a clock."""
        before = value.get("before")
        return cls(
            float(value["began"]),
            float(value["showed"]),
            float(value["speed"]),
            cls.from_json(before) if before else None,
        )


REAL = Clock()
"""The clock of those who replay nothing."""
