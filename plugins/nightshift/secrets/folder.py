"""The folder of the files: read, written, and looked at for who may read it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from nightshift.secrets.files import BY_NAME, FILES
from nightshift.secrets.planning import SecretProblem, missing_files, problems, rotated_files
from nightshift.secrets.values import Dice
from pipelines.engine.errors import UsageError
from pipelines.engine.home import FILE_MODE, FOLDER_MODE, private_folder
from pipelines.engine.settings import REPOSITORY

DEFAULT_FOLDER = REPOSITORY / "docker" / "secrets"


def initialise(folder: Path, dice: Dice) -> tuple[str, ...]:
    """Write the files that are missing, and none that is there; return their names.

    Raises:
        UsageError: The folder cannot be written, or what is in it contradicts itself.
    """
    texts = missing_files(read_texts(folder), dice)
    try:
        private_folder(folder)
        for name, text in texts.items():
            _write(folder / name, text, os.O_EXCL)
    except OSError as error:
        raise _not_written(folder, error) from error
    return tuple(texts)


def rotate(folder: Path, name: str, dice: Dice) -> tuple[str, ...]:
    """Give a secret another value in all files that hold it; return their names.

    Files are written where they are, and not replaced: a container into which one was mounted would keep the old one.

    Raises:
        UsageError: The folder cannot be written, or what is in it contradicts itself.
    """
    return rewrite(folder, rotated_files(read_texts(folder), name, dice))


def rewrite(folder: Path, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Write files anew, each where it is; return their names.

    Raises:
        UsageError: The folder cannot be written.
    """
    try:
        for file, text in texts.items():
            _write(folder / file, text)
    except OSError as error:
        raise _not_written(folder, error) from error
    return tuple(texts)


def examine(folder: Path) -> list[SecretProblem]:
    """Return what is wrong with the files, and with who may read them.

    Raises:
        UsageError: A file is there and cannot be read by us.
    """
    texts = read_texts(folder)
    return [*_open_places(folder, texts), *problems(texts)]


def read_texts(folder: Path) -> dict[str, str]:
    """Return the texts of the files that are there, by name.

    Raises:
        UsageError: One cannot be read by us.
    """
    texts = {}
    for file in FILES:
        try:
            texts[file.name] = (folder / file.name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UsageError(
                f"{folder / file.name} cannot be read: {error.strerror}. Run this as the user who owns it."
            ) from error
    return texts


def _write(path: Path, text: str, flags: int = 0) -> None:
    """Write a file in one go: its secrets have the same length as those before, so no reader sees half of it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flags, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)
        content = text.encode()
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_places(folder: Path, texts: Mapping[str, str]) -> list[SecretProblem]:
    found = []
    for name, mode in ((".", FOLDER_MODE), *((name, FILE_MODE) for name in BY_NAME if name in texts)):
        path = folder / name
        has = stat.S_IMODE(path.stat().st_mode) if path.exists() else mode
        if has & 0o077:
            what = f"{path.resolve()} is open to others (mode {has:04o})"
            found.append(SecretProblem("open", name, None, what, f"chmod {mode:o} {path.resolve()}"))
    return found


def _not_written(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{error.filename or folder} cannot be written: {error.strerror}. Give a folder that is yours, with --folder."
    )
