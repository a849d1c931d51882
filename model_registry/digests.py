"""Digests of a directory: sha256 of each file, and one over all. Pure reading; nothing of MLflow.

The listing lies beside the files as digests.json, and its own digest is a tag in the registry's database:
whoever can write to the artifact store alone cannot make a changed file pass.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from model_registry.errors import TamperedModel

LISTING = "digests.json"


def file_digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_files(directory: Path) -> dict[str, str]:
    """sha256 of each file below the directory by relative path, sorted; the listing itself is left out."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    named = {path.relative_to(directory).as_posix(): path for path in files}
    return {name: file_digest(path) for name, path in sorted(named.items()) if name != LISTING}


def combine(digests: Mapping[str, str]) -> str:
    """One sha256 over a listing, whatever its order."""
    return hashlib.sha256("".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()).hexdigest()


def write_listing(directory: Path, digests: Mapping[str, str]) -> None:
    """Write the listing beside the files that it lists."""
    (directory / LISTING).write_text(json.dumps(dict(sorted(digests.items())), indent=2) + "\n")


def read_listing(directory: Path) -> dict[str, str]:
    """The listing beside the files; empty if it is missing or unreadable, which no digest matches."""
    try:
        listing = json.loads((directory / LISTING).read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in listing.items()} if isinstance(listing, dict) else {}


def verify(directory: Path, digest: str, who: str) -> None:
    """Check that a directory holds exactly the files that were registered.

    Args:
        directory: the model directory, with its listing.
        digest: the combined digest that the registry recorded.
        who: the model's name and version, for the message.

    Raises:
        TamperedModel: names the first file that differs, is missing or is one too many.
    """
    listing = read_listing(directory)
    if combine(listing) != digest:
        _refuse(who, LISTING, digest, combine(listing) if listing else "no readable listing")
    found = digest_files(directory)
    for name in sorted(listing.keys() | found.keys()):
        expected, got = listing.get(name, "no such file"), found.get(name, "no such file")
        if expected != got:
            _refuse(who, name, expected, got)


def _refuse(who: str, file: str, expected: str, got: str) -> None:
    raise TamperedModel(
        f"{who} was changed after it was registered, and is not loaded.\n"
        f"File: {file}\nExpected: {expected}\nGot: {got}\n"
        "Find out who wrote to the artifact store; restore the file, or promote another version.",
        file=file,
        expected=expected,
        got=got,
    )
