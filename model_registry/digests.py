"""Digests of a directory: sha256 of each file, and one over all. Pure reading; nothing of MLflow.

The listing lies beside the files as digests.json, and its own digest is a tag in the registry's database:
whoever can write to the artifact store alone cannot make a changed file pass.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from model_registry.errors import BadPackage, TamperedModel

LISTING = "digests.json"
FILE = "a file"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Whether a text is a sha256 in hexadecimal, and nothing that could be part of a path."""
    return bool(_DIGEST.fullmatch(text))


def file_digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(directory: Path) -> dict[str, str]:
    """What lies below the directory, by relative path: `FILE`, or words for what is no plain file. Nothing is followed."""
    return {path.relative_to(directory).as_posix(): kind for path, kind in sorted(_walk(directory)) if kind}


def digest_files(directory: Path) -> dict[str, str]:
    """sha256 of each file below the directory by relative path, sorted; the listing itself is left out.

    Raises:
        BadPackage: something there is no plain file, or has a name that a listing cannot hold.
    """
    found = contents(directory)
    for name, kind in found.items():
        if kind != FILE or not name.isprintable():
            raise BadPackage(f"A model is made of plain files with printable names; {name!a} is {kind}.")
    return {name: file_digest(directory / name) for name in found if name != LISTING}


def _walk(directory: Path) -> Iterator[tuple[Path, str]]:
    for folder, folders, files in os.walk(directory, followlinks=False, onerror=_raise):
        for name in (*folders, *files):
            path = Path(folder, name)
            yield path, _kind(path.lstat().st_mode)


def _raise(error: OSError) -> None:
    raise error


def _kind(mode: int) -> str:
    """Words for what an entry is; none for a folder, which only leads to others."""
    if stat.S_ISDIR(mode):
        return ""
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return FILE if stat.S_ISREG(mode) else "a device, pipe or socket"


def combine(digests: Mapping[str, str]) -> str:
    """One sha256 over a listing, whatever its order."""
    return hashlib.sha256("".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()).hexdigest()


def write_listing(directory: Path, digests: Mapping[str, str]) -> None:
    """Write the listing beside the files that it lists."""
    (directory / LISTING).write_text(json.dumps(dict(sorted(digests.items())), indent=2) + "\n")


def read_listing(directory: Path) -> dict[str, str]:
    """The listing beside the files; empty if it is missing or is no listing, which no registered digest matches."""
    try:
        listing = json.loads((directory / LISTING).read_text())
    except (OSError, ValueError):
        return {}
    return dict(listing) if isinstance(listing, dict) and all(map(_is_line, listing.items())) else {}


def _is_line(item: tuple[str, object]) -> bool:
    """Whether name and digest make one line of the combined digest, and not a part of one or two."""
    name, digest = item
    return name.isprintable() and isinstance(digest, str) and is_digest(digest)


def verify(directory: Path, digest: str, who: str) -> None:
    """Check that a directory holds exactly the files that were registered.

    Args:
        directory: the model directory, with its listing.
        digest: the combined digest that the registry recorded.
        who: the model's name and version, for the message.

    Raises:
        TamperedModel: names the first file that differs, is missing, is one too many or is no plain file.
    """
    there = contents(directory)
    for name, kind in there.items():
        if kind != FILE:
            _refuse(who, name, FILE, kind)
    listing = read_listing(directory)
    if combine(listing) != digest:
        _refuse(who, LISTING, digest, combine(listing) if listing else "no readable listing")
    found = {name: file_digest(directory / name) for name in there if name != LISTING}
    for name in sorted(listing.keys() | found.keys()):
        expected, got = listing.get(name, "no such file"), found.get(name, "no such file")
        if expected != got:
            _refuse(who, name, expected, got)


def _refuse(who: str, file: str, expected: str, got: str) -> None:
    raise TamperedModel(
        f"{who} was changed after it was registered, and is not loaded.\n"
        f"File: {file if file.isprintable() else ascii(file)}\nExpected: {expected}\nGot: {got}\n"
        "Find out who wrote to the artifact store; restore the file, or promote another version.",
        file=file,
        expected=expected,
        got=got,
    )
