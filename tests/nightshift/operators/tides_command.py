"""The command line, as `nightshift`, with one more pipeline: the small one of these tests."""

from __future__ import annotations

from pipelines.engine import catalog
from tests.pipelines.engine.steps import places, tides


def main() -> None:
    from nightshift.cli import main as nightshift

    with places.known_suites():
        pipeline = tides.declare()
        catalog.load_pipeline = lambda _name: pipeline
        nightshift()


if __name__ == "__main__":
    main()
