"""Toy repositories, and looking for processes from the outside."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "zq7x0kv"
"""A secret in the environment of a tree, which nothing must write down."""

TOY_DAGS = Path(__file__).with_name("toy_dags.txt")
"""The toy DAGs; not a .py file, so that nobody takes it for a test or a module."""


def make_repository(folder: Path, *, broken: bool = False) -> Path:
    """A repository as the tree expects it, with the toy DAGs and perhaps one that cannot be imported."""
    (folder / "dags").mkdir(parents=True)
    (folder / "plugins").mkdir()
    (folder / "dags" / "toys.py").write_text(TOY_DAGS.read_text())
    if broken:
        (folder / "dags" / "broken.py").write_text("import a_module_that_is_not_there\n")
    return folder


def processes_of(home: Path) -> list[str]:
    """All living processes that have to do with `home`: by environment, by command line, or by an open file."""
    return [f"{process.pid} {_title(process)}" for process in psutil.process_iter() if _concerns(process, str(home))]


def _concerns(process: psutil.Process, home: str) -> bool:
    if process.pid == os.getpid():
        return False
    with contextlib.suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        words = [*process.cmdline(), *process.environ().values(), *(file.path for file in process.open_files())]
        return any(home in word for word in words)
    return False


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether `condition` becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Python code in a process of its own, in this process group as a command in a terminal is."""
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
