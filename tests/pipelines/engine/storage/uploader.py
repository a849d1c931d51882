"""A process that uploads a big file: `uploader.py SERVER LOCATION CACHE`."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.engine.storage import Storage
from tests.pipelines.engine.storage.stores import at_server


def main(server: str, location: str, cache: str) -> None:
    with Storage(Path(cache), at_server(server)).at(location).writing() as temporary:
        temporary.write_bytes(b"x" * (12 << 20))


if __name__ == "__main__":
    main(*sys.argv[1:])
