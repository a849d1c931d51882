"""Spark's Python workers, with one more pipeline: the small one of these tests. `spark.python.daemon.module` names it."""

from __future__ import annotations

from pipelines.engine import catalog
from tests.pipelines.engine.steps import places, tides


def main() -> None:
    from pyspark import daemon

    with places.known_suites():
        pipeline = tides.declare()
        catalog.load_pipeline = lambda _name: pipeline
        daemon.manager()


if __name__ == "__main__":
    main()
