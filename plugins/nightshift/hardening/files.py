"""Files that hold secrets: who on this machine may read them."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nightshift.hardening.sight import Sight
from nightshift.hardening.values import Check, Fault, NotUsed

MOUNTED = Path("/run/secrets")
"""Where containers find secrets."""
WORDS = ("PASS", "SECRET", "CREDENTIAL", "_CMD", "TOKEN", "BACKEND_KWARGS", "AUTH_CONFIG", "KEY_FILE", "KEYFILE")
"""In the names of variables that name files with secrets."""
OURS = (
    "airflow/secrets.json",
    "airflow/logins.json",
    "airflow/airflow.cfg",
    "ledger.db",
    "airflow/airflow.db",
    "mlflow/mlflow.db",
)
GROUP, OTHERS = stat.S_IRWXG, stat.S_IRWXO


@dataclass(frozen=True)
class Mode:
    """A file or folder and its permissions.

    Attributes:
        path: Where.
        mode: Its permissions.
        reached: Whether everybody may go through the folders above it.
    """

    path: str
    mode: int
    reached: bool = True


def judge_secret_files(files: Sequence[Mode]) -> Iterator[Fault]:
    """Whether others than their owner may read files with secrets."""
    for file in files:
        wide = file.mode & (GROUP | OTHERS) if file.reached else 0
        if wide:
            whose = "everybody on this machine" if wide & OTHERS else "its group"
            yield Fault(file.path, "mode 0600", f"{file.mode:04o}: {whose} may reach it", f"chmod 600 {file.path}")


def judge_home(folders: Sequence[Mode]) -> Iterator[Fault]:
    """Whether others than its owner get into the home. A group may be let in on purpose."""
    for folder in folders:
        if folder.reached and folder.mode & OTHERS:
            yield Fault(
                folder.path,
                "mode 0700",
                f"{folder.mode:04o}: everybody on this machine gets in",
                f"chmod 700 {folder.path}",
            )
        elif folder.reached and folder.mode & GROUP:
            yield Fault(
                folder.path,
                "mode 0700",
                f"{folder.mode:04o}: its group gets in",
                f"chmod 700 {folder.path}",
                grave=False,
            )


def named_files(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield paths that variables with telling names hold: as they are, behind `cat`, or in JSON."""
    for name, value in environment.items():
        if any(word in name.upper() for word in WORDS):
            for word in value.replace('"', " ").replace("'", " ").replace(",", " ").replace("}", " ").split():
                if word.startswith("/"):
                    yield word


def look_at_secret_files(sight: Sight) -> list[Mode]:
    """Read the permissions of files that the environment names, of mounted secrets, and of the home's keys."""
    mounted = sorted(MOUNTED.iterdir()) if MOUNTED.is_dir() else []
    ours = [sight.settings.home / name for name in OURS]
    found = list(modes([*map(Path, named_files(sight.environment)), *mounted, *ours]))
    if not found:
        raise NotUsed("no file with secrets is named, mounted, or in the home")
    return found


def look_at_home(sight: Sight) -> list[Mode]:
    """Read the permissions of the home."""
    return list(modes([sight.settings.home], folders=True))


def modes(paths: Iterable[Path], *, folders: bool = False) -> Iterator[Mode]:
    """Yield the permissions of those that are there, each once; programs and devices are no secrets."""
    for path in dict.fromkeys(paths):
        with suppress(OSError):
            there = path.stat()
            if not (
                stat.S_ISDIR(there.st_mode) if folders else stat.S_ISREG(there.st_mode) and not there.st_mode & 0o111
            ):
                continue
            above = all(parent.stat().st_mode & (stat.S_IXOTH | stat.S_IXGRP) for parent in path.resolve().parents)
            yield Mode(str(path), stat.S_IMODE(there.st_mode), above)


CHECKS = (
    Check(
        "secret-files",
        "Files",
        "only their owner reads files with secrets",
        f"files that variables name, {MOUNTED}, and the home's",
        look_at_secret_files,
        judge_secret_files,
    ),
    Check("home-closed", "Files", "only its owner gets into the home", "NIGHTSHIFT_HOME", look_at_home, judge_home),
)
