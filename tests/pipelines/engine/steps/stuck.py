"""A process that gets stuck where the test wants to kill it: `stuck.py WHERE NIGHT` (see `test_kill.py`)."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.pipelines.engine.steps import places, tides


def hang(marker: Path) -> None:
    """Say that the place is reached, and wait to be killed."""
    marker.touch()
    time.sleep(600)


def hang_inside_the_write(marker: Path) -> None:
    """Get stuck when some of the shard's rows are in its file and others are not."""
    from pyarrow.parquet import ParquetWriter

    from pipelines.engine import scoring

    write = ParquetWriter.write_batch

    def write_and_hang(self, batch, *arguments):
        write(self, batch, *arguments)
        hang(marker)

    scoring.BATCH_ROWS = 64
    ParquetWriter.write_batch = write_and_hang


def hang_before_the_result_is_recorded(marker: Path) -> None:
    """Get stuck when the commit is made and the ledger does not know yet."""
    from pipelines.engine.ledger.store import Ledger

    finish = Ledger.finish

    def finish_or_hang(self, claim, result, cost=None):
        if "delta_version" in result:
            hang(marker)
        finish(self, claim, result)

    Ledger.finish = finish_or_hang


def main(where: str, home: str, night: str) -> None:
    """Score and publish a night whose rows were checked and planned before."""
    marker = Path(home) / "stuck"
    {"write": hang_inside_the_write, "finish": hang_before_the_result_is_recorded}[where](marker)
    with places.known_suites():
        place = places.Place(Path(home), tides.declare(), {"lease_seconds": 1.0})
        checked = places.validate(place, night)
        scored = [places.score(place, shard) for shard in places.plan(place, checked)]
        places.publish(place, checked, scored)


if __name__ == "__main__":
    main(*sys.argv[1:])
