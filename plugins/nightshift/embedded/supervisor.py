"""The process that owns a tree started by `nightshift up`: `python -m nightshift.embedded.supervisor --home ...`.

Ends on SIGTERM or SIGINT, stopping the tree. Starts processes anew that die; ends by itself, saying why in state.json, when
one of Airflow's keeps dying.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import time
from pathlib import Path

from nightshift.embedded.errors import EmbeddedError
from nightshift.embedded.tree import AirflowTree

CHECK_SECONDS = 1.0

_log = logging.getLogger("nightshift.supervisor")


def supervise(tree: AirflowTree) -> None:
    """Start `tree` and mend it until a signal comes or one of Airflow's processes keeps dying."""
    with tree:
        tree.start(_log.info)
        _log.info("Airflow is ready at %s", tree.url)
        while True:
            time.sleep(CHECK_SECONDS)
            tree.mend(_log.warning)


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop. Returns the exit code: 0 stopped, 1 failed."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal it was started from may close
    told = json.loads(sys.stdin.readline() or "{}")
    tree = AirflowTree(
        options.home,
        options.repository,
        port=options.port,
        parallelism=options.parallelism,
        extra=told.get("extra"),
        login=options.login,
        companions=told.get("companions"),
    )
    try:
        supervise(tree)
    except KeyboardInterrupt:
        _log.info("Stopped.")
        return 0
    except EmbeddedError as error:
        _log.error("%s", error)
    return 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--parallelism", type=int, default=2)
    parser.add_argument("--login", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
