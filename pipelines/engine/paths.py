"""Where a recorded name may lead: below its folder, or nowhere.

Paths travel through records that others can write: Airflow's XComs, the ledger, a table's log, an address in a browser.
These are rules on text alone, with `/` between the parts, for folders and object stores alike. What a symbolic link
makes of a path on a disk is for whoever opens it to look at.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from pipelines.engine.errors import PathRefused

LONGEST = 1024
LONGEST_PART_BYTES = 255
INVISIBLE = ("Cc", "Cf", "Cs")
"""Unicode categories that no name of ours has: control and format characters, halves of characters."""


def safe_relative(path: str) -> str:
    """Return a relative path unchanged if it can only lead to something below the folder that it is relative to.

    Percent-encoding is looked through, because Delta tables and browsers decode it, and so are letters that only look
    like `.` and `/`, because some file systems fold them.

    Raises:
        PathRefused: It is empty, absolute, too long, climbs, names a scheme or a drive, or holds invisible characters.
    """
    for reading in _readings(path):
        fault = _fault(reading)
        if fault:
            raise PathRefused(
                f"the path {ascii(path)[:120]} {fault}, so it is not used; expected a path below its folder, such as "
                "'night=2013-11-19/part.parquet'.\n"
                "Nightshift records no such path: find out who changed the record, and run the step before this one again."
            )
    return path


def below(root: object, path: str) -> str:
    """Return the location of a recorded relative path: `root`, a folder or a URL, and the path.

    Raises:
        PathRefused: The path could lead out of the root.
    """
    return f"{str(root).rstrip('/')}/{safe_relative(path)}"


def inside(root: object, location: str) -> str:
    """Return the path relative to `root` of a location that was recorded whole.

    Raises:
        PathRefused: The location does not lie below the root, or could lead out of it.
    """
    start = f"{str(root).rstrip('/')}/"
    if not location.startswith(start):
        raise PathRefused(
            f"the location {ascii(location)[:120]} does not lie below {start}, so it is not used.\n"
            "If the folder was moved, run the step that wrote the file again; if not, find out who changed the record."
        )
    return safe_relative(location.removeprefix(start))


def _readings(path: str) -> Iterator[str]:
    """Yield the path as written, and as anything that decodes or folds it might understand it."""
    while True:
        yield path
        yield unicodedata.normalize("NFKC", path)
        decoded = unquote(path)
        if decoded == path:
            return
        path = decoded


def _fault(path: str) -> str | None:
    """Say what is wrong with one reading of a path, or None."""
    parts = path.split("/")
    faults = {
        "is empty": not path,
        "holds characters that cannot be seen": any(unicodedata.category(sign) in INVISIBLE for sign in path),
        "is too long": len(path) > LONGEST or any(_bytes(part) > LONGEST_PART_BYTES for part in parts),
        "is absolute": path.startswith("/"),
        "names a scheme or a drive": ":" in parts[0],
        "holds a backslash": "\\" in path,
        "climbs out of its folder": ".." in parts,
        "has a part without a name": "" in parts or "." in parts,
    }
    return next((fault for fault, found in faults.items() if found), None)


def _bytes(part: str) -> int:
    return len(part.encode("utf-8", "replace"))
