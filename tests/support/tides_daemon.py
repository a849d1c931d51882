"""Spark's Python workers, with one more pipeline: the small one of these tests. `spark.python.daemon.module` names it.

A worker that finds a file `die` in the folder `TIDES_SIGNALS` kills itself in the middle of a shard, once.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pipelines.engine import catalog
from pipelines.engine.moments import listening
from tests.pipelines.engine.steps import places, tides


def die_if_told(moment: str) -> None:
    if moment == "scored a batch":
        try:
            Path(os.environ.get("TIDES_SIGNALS", "/none"), "die").unlink()
        except OSError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    from pyspark import daemon

    with places.known_suites(), listening(die_if_told):
        pipeline = tides.declare()
        catalog.load_pipeline = lambda _name: pipeline
        daemon.manager()


if __name__ == "__main__":
    main()
