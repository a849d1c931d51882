"""One process of a race to publish: `publisher.py MODE FOLDER NUMBER`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.pipelines.engine.tables import put, write_shard

NIGHTS = [f"2013-11-0{number}" for number in range(1, 6)]


def main(mode: str, folder: Path, number: int) -> None:
    """Publish each night: all processes the same work (`same`), or each its own (`own`)."""
    table = folder / "flights" / "predictions"
    key, owner = ("ab", 0) if mode == "same" else (f"{number:02}", number)
    shards = {night: write_shard(table, night, key, {"f1": owner / 10, "f2": owner / 10}) for night in NIGHTS}
    (folder / f"ready-{number}").touch()
    while not (folder / "go").exists():
        time.sleep(0.001)
    published = {night: put(table, night, [shard], f"{night}/{key}") for night, shard in shards.items()}
    sys.stdout.write(json.dumps({night: [done.version, done.adopted] for night, done in published.items()}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
