"""Health checks of the stack: `python -m nightshift.stack.probe URL [PATH=VALUE ...]`, or `... celery NAME`.

Exit code 0: healthy. Of a URL, a good answer is enough, or else a JSON answer that says VALUE at PATH (`scheduler.status`).
It runs every few seconds in each container, so it imports next to nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

TIMEOUT_SECONDS = 8.0
BROKER = "AIRFLOW__CELERY__BROKER_URL"


def ask(url: str, wanted: Sequence[str]) -> str | None:
    """Ask a server; return what is wrong, or None.

    Args:
        url: For example `http://mlflow:5000/health`.
        wanted: `path.in.json=value` each.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:  # an address of our own definition
            said = answer.read()
    except (OSError, ValueError) as error:
        return f"{url}: {error}"
    return next((wrong for want in wanted if (wrong := _differs(said, want))), None)


def _differs(said: bytes, want: str) -> str | None:
    path, _, value = want.partition("=")
    try:
        found = json.loads(said)
        for step in path.split("."):
            found = found[step]
    except (ValueError, KeyError, TypeError):
        return f"the answer has no {path}"
    return None if str(found) == value else f"{path} is {found!r}, expected {value!r}"


def ping(worker: str) -> str | None:
    """Ask a Celery worker over the broker; return what is wrong, or None."""
    from celery import Celery

    broker = os.environ.get(BROKER) or _output(os.environ.get(f"{BROKER}_CMD", ""))
    if not broker:
        return f"neither {BROKER} nor {BROKER}_CMD says where the broker is"
    try:
        with Celery(broker=broker).connection_for_read(connect_timeout=TIMEOUT_SECONDS) as connection:
            answers = Celery(broker=broker).control.ping([worker], timeout=TIMEOUT_SECONDS / 2, connection=connection)
    except Exception as error:  # its text may hold the address with its password
        return f"the broker does not answer: {type(error).__name__}"
    return None if answers else f"{worker} does not answer"


def _output(command: str) -> str:
    """Return what a command says, as Airflow does for its own `_CMD` settings."""
    if not command:
        return ""
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - the operator's own
    return done.stdout.strip()


def main(arguments: Sequence[str]) -> int:
    """Probe once; say what is wrong."""
    if len(arguments) == 2 and arguments[0] == "celery":
        wrong = ping(arguments[1])
    elif arguments and "://" in arguments[0]:
        wrong = ask(arguments[0], arguments[1:])
    else:
        wrong = (__doc__ or "").partition("\n")[0]
    if wrong:
        sys.stderr.write(f"{wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
