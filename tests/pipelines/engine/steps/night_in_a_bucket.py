"""One process of a race for a night that is planned: `night_in_a_bucket.py SERVER BUCKET HOME NIGHT FOLDER NUMBER`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.pipelines.engine.steps import places, tides
from tests.pipelines.engine.steps.remote_places import RemotePlace
from tests.pipelines.engine.storage.stores import at_server


def main(server: str, bucket: str, home: str, night: str, folder: str, number: str) -> None:
    """Wait for the others, score and publish, and say what came out."""
    checked, planned = json.loads(Path(night).read_text())
    with places.known_suites():
        where = {"root": f"s3://{bucket}", "credentials": at_server(server)}
        place = RemotePlace(Path(home), tides.declare(), wait=True, **where)
        place.ledger.now()
        (Path(folder) / f"ready-{number}").touch()
        while not (Path(folder) / "go").exists():
            time.sleep(0.005)
        scored = [places.score(place, shard) for shard in planned]
        sys.stdout.write(json.dumps(places.publish(place, checked, scored)))


if __name__ == "__main__":
    main(*sys.argv[1:])
