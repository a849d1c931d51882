"""Which checkout, libraries and Python a card is written with: what is needed to make a model again."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from pipelines.engine.files import sha256_of
from pipelines.engine.settings import REPOSITORY


@dataclass(frozen=True)
class Origin:
    """Where code and libraries came from when a card was written.

    Attributes:
        commit: Of the checkout; None where the code is none.
        lock: SHA-256 of requirements.txt; None where there is none.
        python: Version of Python.
    """

    commit: str | None
    lock: str | None
    python: str


def origin(root: Path = REPOSITORY) -> Origin:
    """Return where the code in `root` and its libraries come from."""
    lock = root / "requirements.txt"
    return Origin(_commit(root), sha256_of(lock) if lock.is_file() else None, platform.python_version())


def _commit(root: Path) -> str | None:
    """Read the commit from git's own files: git need not be installed where a model is trained."""
    try:
        folder = root / ".git"
        if folder.is_file():  # a worktree: the file says where its folder is
            folder = (root / folder.read_text().removeprefix("gitdir:").strip()).resolve()
        head = (folder / "HEAD").read_text().strip()
        name = head.removeprefix("ref: ")
        return head if name == head else _branch(folder, name)
    except (OSError, UnicodeError):
        return None


def _branch(folder: Path, name: str) -> str | None:
    common = folder / "commondir"
    folders = [folder, (folder / common.read_text().strip()).resolve()] if common.is_file() else [folder]
    for each in folders:
        if (each / name).is_file():
            return (each / name).read_text().strip()
        packed = (each / "packed-refs").read_text().splitlines() if (each / "packed-refs").is_file() else []
        found = [line.split(" ")[0] for line in packed if line.endswith(f" {name}")]
        if found:
            return found[0]
    return None
