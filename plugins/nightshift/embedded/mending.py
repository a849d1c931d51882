"""When is a process that ended by itself started anew? A pure rule, for each process by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WINDOW_SECONDS = 600.0
MOST_RESTARTS = 3
"""Of a process of Airflow's within that time. One that dies a fourth time will not be mended by a fifth start: the tree ends
and says why, instead of burning a laptop's battery overnight."""
LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Mending:
    """What is to be done about a process that ended.

    Attributes:
        at: When it is to be started anew, by the clock that the deaths were told in; None: not any more.
        number: How often it will have been started anew lately.
    """

    at: float | None
    number: int


def mending(deaths: Sequence[float], *, essential: bool) -> Mending:
    """Say when to start a process anew.

    The first restart comes after a second, each further one within ten minutes after twice the pause. Processes that nights
    rest upon are given up after `MOST_RESTARTS`; companions, such as the watch, never: nights go on without them.

    Args:
        deaths: When it ended by itself, oldest first, in seconds by a clock that does not jump; the last one is now.
        essential: Whether the tree is of no use without it.
    """
    lately = [death for death in deaths if death > deaths[-1] - WINDOW_SECONDS]
    number = len(lately)
    if essential and number > MOST_RESTARTS:
        return Mending(None, number)
    return Mending(deaths[-1] + min(LONGEST_PAUSE_SECONDS, 2.0 ** min(number - 1, 10)), number)
