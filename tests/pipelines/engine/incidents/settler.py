"""One process of a race: `settler.py URL FOLDER NUMBER`: settles a night again and again, as fast as it can."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.pipelines.engine.incidents.nights import DUE, verdict
from tests.pipelines.engine.incidents.shop import Shop

if __name__ == "__main__":
    url, folder, number = sys.argv[1:]
    shop, place = Shop(url), Path(folder)
    (place / f"ready-{number}").touch()
    while not (place / "go").exists():
        time.sleep(0.005)
    # Nobody waits for the others, so one may be at the end while another begins: worse never becomes better again.
    for state in ("at_risk", "late", "failed"):
        for again in range(5):
            shop.settle(verdict(state), now=DUE + again)
    (place / f"over-{number}").touch()
    while len(list(place.glob("over-*"))) < len(list(place.glob("ready-*"))):
        time.sleep(0.005)
    for _ in range(5):
        shop.settle(verdict("done", late_by=60.0), now=DUE + 60)
    sys.stdout.write(json.dumps({}))
