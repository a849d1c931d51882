"""Who may see the home: its owner alone.

The home is the key to everything in it: it is made with mode 0700, so nobody else reaches what lies deeper, whatever
the modes there and the umask of the shell are. Files that hold keys or other people's rows have mode 0600 as well.

A home that exists already is left as it is: it may be open to a group on purpose, and it may be a folder that is not ours
alone, such as a mounted disk. It is only said, each time, what everybody can see.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)
FOLDER_MODE = 0o700
FILE_MODE = 0o600
_RIGHTS = ((stat.S_IWOTH, "write to"), (stat.S_IROTH, "list"), (stat.S_IXOTH, "enter"))


def open_home(home: Path) -> None:
    """Make the home if it is missing, and warn if everybody on this machine can enter it.

    A home that cannot be made is no trouble yet: whoever needs it says so, in words that fit what was asked for.
    """
    with suppress(OSError):
        private_folder(home)
    warning = open_to_everybody(home)
    if warning:
        log.warning("%s", warning)


def private_folder(folder: Path) -> Path:
    """Make a folder and those above it that are missing, each with mode 0700; existing ones stay as they are.

    Raises:
        OSError: It cannot be made, or is no folder.
    """
    if not folder.parent.exists():
        private_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return folder


def private_file(path: Path) -> Path:
    """Make an empty file with mode 0600 unless there is one; SQLite gives the files that it makes beside it the same mode.

    Raises:
        OSError: It cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    return path


def write_privately(path: Path) -> IO[str]:
    """Open a text file to be written anew, with mode 0600 whatever it had before.

    Raises:
        OSError: It cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, FILE_MODE)
    os.fchmod(descriptor, FILE_MODE)  # before the first word is in it
    os.ftruncate(descriptor, 0)
    return os.fdopen(descriptor, "w", encoding="utf-8")


def replace_json_privately(path: Path, value: object) -> None:
    """Replace a JSON file in one step, with mode 0600: readers see the old one or the new one.

    Raises:
        OSError: It cannot be written.
    """
    text = json.dumps(value, indent=1)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with write_privately(draft) as stream:
        stream.write(text)
    draft.replace(path)


def open_to_everybody(folder: Path) -> str:
    """Say what everybody on this machine can do with a folder, and how to end it; empty if nothing.

    A folder that nobody can reach, because one above it is closed, is open to nobody.
    """
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
        reached = all(above.stat().st_mode & stat.S_IXOTH for above in folder.resolve().parents)
    except OSError:
        return ""
    may = [word for bit, word in _RIGHTS if reached and mode & bit]
    if not may:
        return ""
    return (
        f"everybody on this machine may {' and '.join(may)} {folder} (mode {mode:04o}), where keys, rows and models lie. "
        f"To close it: chmod 700 {shlex.quote(str(folder))}"
    )
