"""One process of a race: `worker.py MODE URL FOLDER NUMBER`.

It says that it is ready, waits for the others, does its part, and prints one JSON object.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from pipelines.engine import run_once as run_once_module
from pipelines.engine.errors import FenceLost
from pipelines.engine.keys import TaskKey
from pipelines.engine.ledger import Ledger
from pipelines.engine.run_once import Hold, exclusive, run_once

KEYS = 5
FENCES_TO_KILL = 2
SHORT_LEASE = 2.0


def key_of(number: int) -> TaskKey:
    """Return the key that all processes of a race mean by a number."""
    return TaskKey(pipeline="flights", step="race", partition=f"2013-11-0{number + 1}")


def wait_for_the_others(folder: Path, number: int) -> None:
    (folder / f"ready-{number}").touch()
    while not (folder / "go").exists():
        time.sleep(0.005)


def note(path: Path, line: str) -> None:
    """Append a line in one write, so that no two processes mix theirs."""
    with path.open("ab", buffering=0) as stream:
        stream.write(line.encode() + b"\n")


def race(url: str, folder: Path, number: int) -> dict[str, Any]:
    """Ask for every key, in an order of this process's own; the work leaves a line in the key's file."""
    ledger = Ledger(url)
    order = random.Random(number).sample(range(KEYS), KEYS)  # noqa: S311
    wait_for_the_others(folder, number)

    def work(hold: Hold) -> dict[str, Any]:
        note(folder / f"effects-{hold.key.partition}", str(number))
        time.sleep(0.02)
        return {"token": uuid.uuid4().hex}

    outcomes = {which: run_once(ledger, key_of(which), work, wait=True) for which in order}
    return {key_of(which).partition: [outcome.result["token"], outcome.fresh] for which, outcome in outcomes.items()}


def die(url: str, folder: Path, number: int) -> dict[str, Any]:
    """Take the key; under its first fences hang until killed, under a later one do the work."""
    ledger = Ledger(url, lease_seconds=SHORT_LEASE)
    wait_for_the_others(folder, number)

    def work(hold: Hold) -> dict[str, Any]:
        note(folder / "effects", json.dumps({"pid": os.getpid(), "fence": hold.fence}))
        while hold.fence <= FENCES_TO_KILL:
            time.sleep(0.05)
        return {"by": os.getpid()}

    while True:
        try:
            outcome = run_once(ledger, key_of(0), work, wait=True)
        except FenceLost:  # this process stood still for longer than the lease
            continue
        return {"result": outcome.result, "fresh": outcome.fresh, "fence": outcome.fence}


def alone(url: str, folder: Path, number: int) -> dict[str, Any]:
    """Add one to a number in a file, again and again, as only somebody who is alone may."""
    ledger = Ledger(url)
    counter = folder / "counter"
    wait_for_the_others(folder, number)
    for _ in range(KEYS):
        with exclusive(ledger, key_of(0)):
            before = int(counter.read_text() or 0)
            time.sleep(0.005)
            counter.write_text(str(before + 1))
    return {}


if __name__ == "__main__":
    mode, url, folder, number = sys.argv[1:]
    logging.basicConfig(level=logging.INFO)
    run_once_module.LONGEST_POLL = 0.1
    answer = {"race": race, "die": die, "alone": alone}[mode](url, Path(folder), int(number))
    sys.stdout.write(json.dumps(answer))
