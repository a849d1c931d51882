"""`python -m nightshift.live`: the replay's process in the tree that `nightshift up --live` starts; ends on SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import sys


def main(arguments: list[str] | None = None) -> int:
    """Drive the replay until told to stop. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m nightshift.live", description=__doc__)
    parser.add_argument("--pipeline", default="flights", help="whose past is replayed")
    parser.add_argument(
        "--url", default=os.environ.get("AIRFLOW__API__BASE_URL"), help="Airflow; by default this tree's"
    )
    options = parser.parse_args(arguments)
    if not options.url:
        parser.error(
            "no Airflow to talk to: give --url, or run `nightshift up --live`, which starts this process itself"
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from nightshift.connections import open_storage
    from nightshift.embedded.client import AirflowClient
    from nightshift.embedded.layout import Layout
    from nightshift.embedded.logins import admin_of
    from nightshift.live.driver import Driver, drive
    from pipelines.engine.catalog import load_pipeline
    from pipelines.engine.ledger.observations import Observations
    from pipelines.engine.settings import REPOSITORY, read_settings

    settings = read_settings()
    login = admin_of(Layout(settings.home, REPOSITORY).logins)
    with AirflowClient(options.url, login=login) as client:
        observations = Observations(settings.ledger_url)
        drive(Driver(settings, open_storage(settings), observations, client, load_pipeline(options.pipeline)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
