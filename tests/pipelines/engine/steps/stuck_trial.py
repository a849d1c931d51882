"""A process that gets stuck in a trial, where the test wants to kill it: `stuck_trial.py HOME CHECKED NUMBER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.pipelines.engine.steps import places, tides
from tests.pipelines.engine.steps.stuck import hang


def main(home: str, checked: str, number: str) -> None:
    """Search, and hang when the given trial has measured its first fold."""
    from pipelines.engine.moments import listening
    from pipelines.engine.steps.search import run_search, run_trial

    with places.known_suites():
        place = places.Place(Path(home), tides.searched(), {"lease_seconds": 1.0})
        given = json.loads(checked)
        for earlier in range(int(number)):
            run_trial(place.runtime, place.pipeline, given, earlier)
        with listening(lambda moment: hang(Path(home) / "stuck") if moment == "measured a fold" else None):
            run_search(place.runtime, place.pipeline, given)


if __name__ == "__main__":
    main(*sys.argv[1:])
