"""`python -m tests.protocol [deep]`: explore every scenario, and say how much was covered."""

from __future__ import annotations

import sys
import time

from tests.protocol.explorer import explore
from tests.protocol.scenarios import DEEP, EXPLORED
from tests.protocol.values import Scenario


def main(scenarios: dict[str, Scenario]) -> int:
    """Explore scenarios; return 1 if a promise is broken in one of them."""
    schedules = worlds = 0
    begun = time.monotonic()
    for name, scenario in scenarios.items():
        found = explore(scenario)
        say(f"{found.schedules:.2e} schedules, {found.worlds:7,} states: {name}")
        if found.violation:
            say(str(found.violation))
            return 1
        schedules, worlds = schedules + found.schedules, worlds + found.worlds
    say(f"{schedules:,} schedules, {worlds:,} states, {time.monotonic() - begun:.1f} s: every promise holds")
    return 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(DEEP if sys.argv[1:] == ["deep"] else EXPLORED))
