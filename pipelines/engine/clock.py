"""Which time is it for a pipeline? The ledger's, unless the past is being replayed faster."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Translates between the ledger's time and the time that nights are in; both in seconds since 1970.

    Attributes:
        began: When the replay began, in the ledger's time.
        showed: What the replayed clock showed then.
        speed: Replayed seconds for each second.
    """

    began: float = 0.0
    showed: float = 0.0
    speed: float = 1.0

    def shows(self, ledger_time: float) -> float:
        """Return what the clock shows at a time of the ledger."""
        return self.showed + (ledger_time - self.began) * self.speed

    def ledger_time(self, shown: float) -> float:
        """Return the ledger's time at which the clock shows this."""
        return self.began + (shown - self.showed) / self.speed


REAL = Clock()
"""The clock of those who replay nothing."""
